package keyring

import "strings"

// everybody is the name of a group of Windows that has more members than the owner of
// a store can know; "" if sid is not one. Administrators and the system can read
// everything anyhow, and whom else a computer's administrator lets into home
// directories is their decision.
func everybody(sid string) string {
	switch sid {
	case "S-1-1-0":
		return "Everyone"
	case "S-1-5-2", "S-1-5-4":
		return "everybody who is logged on"
	case "S-1-5-7":
		return "anonymous users"
	case "S-1-5-11":
		return "Authenticated Users"
	case "S-1-5-32-545":
		return "Users"
	case "S-1-5-32-546":
		return "Guests"
	}
	if rest, ok := strings.CutPrefix(sid, "S-1-5-21-"); ok {
		switch rest[strings.LastIndexByte(rest, '-')+1:] {
		case "513":
			return "Domain Users"
		case "514":
			return "Domain Guests"
		case "515":
			return "Domain Computers"
		}
	}
	return ""
}
