package creds

import "time"

// Token is a sign-in: what a sign-in service handed out after a person signed in, and
// what gets the next one without that person.
//
// A sign-in at IAM Identity Center has Access, which opens the portal, and a Client. One
// at the console has a Session instead, a DPoPKey and an IDToken. A Token with nothing
// but a Client is a registration, with which nobody has signed in yet.
type Token struct {
	// Access is what the portal takes for credentials of its roles.
	Access Secret
	// Refresh gets the next Token. Most services take it once, and answer with another.
	Refresh Secret
	// Expires is when Access, or Session, ends; zero if there is neither.
	Expires time.Time
	Client  Client
	// Session is what a console sign-in is: credentials of the person who signed in.
	Session Session
	// DPoPKey is the private key in PEM that a console sign-in proves itself with. The
	// service takes Refresh from its owner only.
	DPoPKey Secret
	// IDToken says who signed in at the console, signed by AWS.
	IDToken Secret
}

// Client is fob as a sign-in service knows it.
type Client struct {
	ID string
	// Secret is empty for a client that needs no registration.
	Secret Secret
	// Expires is when the registration ends; zero means never.
	Expires time.Time
	// Grant is how the client may sign in; a registration is for one way only.
	Grant string
}
