package keyring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestLetsIn(t *testing.T) {
	for _, row := range []struct {
		list string // as in Microsoft's security descriptor definition language
		top  bool
		want string
	}{
		{"D:P(A;OICI;FA;;;S-1-5-21-1-2-3-1001)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;FA;;;CO)", true, ""},
		{"D:P(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FR;;;WD)", true, "Everyone"},
		{"D:P(A;;FA;;;BU)", true, "Users"},
		{"D:P(A;OICI;0x1301bf;;;AU)", true, "Authenticated Users"}, // as below the root of a second disk
		{"D:P(A;;FW;;;S-1-5-21-1-2-3-513)", true, "Domain Users"},
		{"D:P(A;;FA;;;S-1-5-21-1-2-3-1013)", true, ""}, // the owner's decision
		{"D:P(A;;RC;;;WD)", true, ""},                  // may only look at the list
		{"D:P(A;OICIIO;FR;;;WD)", true, ""},            // for what is made there
		{"D:P(D;;FR;;;WD)", true, ""},
		{"D:(A;ID;FR;;;BU)", true, "Users"},
		{"D:(A;ID;FR;;;BU)", false, ""}, // said of the directory
		{"D:(A;ID;FA;;;SY)(A;;FR;;;BU)", false, "Users"},
		{"D:P", true, ""},          // nobody
		{"O:BA", true, "Everyone"}, // no list
	} {
		sd, err := windows.SecurityDescriptorFromString(row.list)
		if err != nil {
			t.Errorf("%s: %v", row.list, err)
			continue
		}
		if got, err := letsIn(sd, row.top); got != row.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", row.list, got, err, row.want)
		}
	}
}

// doctor learns of files whose access list lets everybody in.
func TestLooseLists(t *testing.T) {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		t.Skip("wine makes lists of modes")
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	dir := tempDir(t)
	s := New(Options{Dir: dir, StateDir: filepath.Join(dir, "none")})
	file := filepath.Join(dir, "store")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{"": "", "(A;OICI;FR;;;WD)": "is open to Everyone"} {
		sd, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;" + user.User.Sid.String() + ")" + list)
		if err != nil {
			t.Fatal(err)
		}
		dacl, _, err := sd.DACL()
		if err != nil {
			t.Fatal(err)
		}
		if err := windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT,
			windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil); err != nil {
			t.Fatal(err)
		}
		loose, err := s.Loose()
		if err != nil {
			t.Fatal(err)
		}
		var problems []string
		for _, l := range loose {
			problems = append(problems, l.Problem)
		}
		if got := strings.Join(problems, "; "); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
