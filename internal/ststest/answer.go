package ststest

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A refusal is an error in AWS's words; every action fails with a refusal.
type refusal struct {
	status  int // of HTTP
	code    string
	message string
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

func refuse(status int, code, message string) error { return &refusal{status, code, message} }

func denied(format string, args ...any) error {
	return refuse(http.StatusForbidden, "AccessDenied", fmt.Sprintf(format, args...))
}

// An answer is complete before its first byte is sent, so that a fault can
// spoil any of it.
type answer struct {
	status    int
	code      string // "OK", or the error's
	requestID string
	date      time.Time
	body      []byte
	// media is the Content-Type; text/xml if empty.
	media string
	// location is where a browser goes next; empty if it stays.
	location string
	// class is the X-Amzn-Errortype of errors in JSON.
	class string
}

// envelope wraps an action's result, or its error, as the query protocol does.
func envelope(svc service, action string, result any, err error) answer {
	a := answer{status: http.StatusOK, code: "OK", requestID: requestID()}
	var doc bytes.Buffer
	enc := xml.NewEncoder(&doc)
	enc.Indent("", "  ")
	if e := (*refusal)(nil); errors.As(err, &e) {
		a.status, a.code = e.status, e.code
		err = enc.Encode(errorDocument(svc, a.requestID, e))
	} else {
		err = encodeResult(enc, svc, action, a.requestID, result)
	}
	if err != nil {
		panic(err) // our own types, always encodable
	}
	doc.WriteByte('\n')
	a.body = doc.Bytes()
	return a
}

type errorResponse struct {
	XMLName xml.Name
	Type    string `xml:"Error>Type"`
	Code    string `xml:"Error>Code"`
	Message string `xml:"Error>Message"`
	ID      string `xml:"RequestId"`
}

func errorDocument(svc service, id string, e *refusal) errorResponse {
	kind := "Sender"
	if e.status >= 500 {
		kind = "Receiver"
	}
	return errorResponse{
		XMLName: xml.Name{Space: svc.namespace, Local: "ErrorResponse"},
		Type:    kind, Code: e.code, Message: e.message, ID: id,
	}
}

type responseMetadata struct {
	RequestID string `xml:"RequestId"`
}

func encodeResult(enc *xml.Encoder, svc service, action, id string, result any) error {
	outer := xml.StartElement{Name: xml.Name{Space: svc.namespace, Local: action + "Response"}}
	metadata := xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}
	inner := func() error {
		if result == nil {
			return nil // an action without an answer
		}
		return enc.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
	}
	return errors.Join(
		enc.EncodeToken(outer),
		inner(),
		enc.EncodeElement(responseMetadata{id}, metadata),
		enc.EncodeToken(outer.End()),
		enc.Flush(),
	)
}

// header sets the headers of every AWS answer.
func (a answer) header(h http.Header) {
	media := a.media
	if media == "" {
		media = "text/xml"
	}
	h.Set("Content-Type", media)
	for name, value := range map[string]string{"Location": a.location, "X-Amzn-Errortype": a.class} {
		if value != "" {
			h.Set(name, value)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	h.Set("Date", a.date.Format(http.TimeFormat))
	h.Set("X-Amzn-Requestid", a.requestID)
}

func (a answer) write(w http.ResponseWriter) {
	a.header(w.Header())
	w.WriteHeader(a.status)
	w.Write(a.body) // a caller that hung up will not read an error either
}

// requestID is a random UUID.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
