package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// make demo ends with the identity, whatever the caller's environment says, and
// leaves nothing behind; with the fake AWS and with moto's.
func TestDemo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("demo/run is for a Unix shell")
	}
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		testDemo(t, "arn:aws:iam::111111111111:user/jo")
	})
	t.Run("moto", func(t *testing.T) {
		t.Parallel()
		testDemo(t, "arn:aws:sts::123456789012:user/moto", "DEMO_ENDPOINT="+startMoto(t))
	})
}

func testDemo(t *testing.T, arn string, env ...string) {
	temp := t.TempDir()
	cmd := exec.Command("demo/run")
	cmd.Env = append(os.Environ(), append(env, "TMPDIR="+temp, "AWS_PROFILE=nobody", "FOB_PROFILE=nobody", "AWS_SESSION_TOKEN=none")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := strings.Join(lines[max(0, len(lines)-5):], "\n"); !strings.Contains(last, `"`+arn+`"`) {
		t.Errorf("the identity is not the end of\n%s", out)
	}
	if strings.Contains(string(out), "wJalrXUtnFEMI") || strings.Contains(string(out), "JBSWY3DP") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// startMoto starts moto's server and returns its URL.
func startMoto(t *testing.T) string {
	program, err := exec.LookPath("moto_server")
	if err != nil {
		if os.Getenv("FOB_TEST_REQUIRE") == "1" {
			t.Fatal("moto_server is needed (FOB_TEST_REQUIRE=1)")
		}
		t.Skip("SKIPPED: NO MOTO_SERVER HERE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close() // for moto's server
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(program, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		res, err := http.Get("http://" + addr + "/moto-api/")
		if err == nil {
			res.Body.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatal("moto_server does not answer: ", err)
		}
	}
}
