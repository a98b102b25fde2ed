//go:build unix

package signin

import (
	"os/exec"
	"syscall"
)

// detach keeps Ctrl-C at our terminal from the browser.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
