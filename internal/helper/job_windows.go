package helper

import (
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Job is a command that has started, with everything that it starts. When this
// process is killed, the system kills them all; only what asks to leave the job, as
// daemons do, lives on.
type Job struct {
	handle windows.Handle // 0 if the system gave none
	cmd    *exec.Cmd
}

// newJob makes a job without processes.
func newJob(cmd *exec.Cmd) *Job {
	// No name, and not inherited: this process's handle is the only one.
	handle, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return &Job{cmd: cmd}
	}
	j := &Job{handle, cmd}
	if j.limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE|windows.JOB_OBJECT_LIMIT_BREAKAWAY_OK) != nil {
		windows.CloseHandle(j.handle)
		j.handle = 0
	}
	return j
}

func (j *Job) limit(flags uint32) error {
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = flags
	_, err := windows.SetInformationJobObject(j.handle, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	return err
}

// StartJob starts a command as a job. Where a job cannot be had, the command runs
// all the same.
func StartJob(cmd *exec.Cmd) (*Job, error) {
	j := newJob(cmd)
	if err := j.start(); err != nil {
		return nil, err
	}
	return j, nil
}

// start starts the command in the job: it stands still until it is there, or it
// could start others outside.
func (j *Job) start() error {
	if j.handle == 0 {
		return j.cmd.Start()
	}
	j.cmd.SysProcAttr.CreationFlags |= windows.CREATE_SUSPENDED
	if err := j.cmd.Start(); err != nil {
		windows.CloseHandle(j.handle)
		return err
	}
	pid := uint32(j.cmd.Process.Pid)
	if process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, pid); err == nil {
		_ = windows.AssignProcessToJobObject(j.handle, process) // another job may forbid it
		windows.CloseHandle(process)
	}
	if err := resume(pid); err != nil {
		_ = j.kill()
		_ = j.cmd.Wait()
		return err
	}
	return nil
}

// resume lets the threads of a process run. Package exec closes the handle of the
// only one that there is.
func resume(pid uint32) error {
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(all)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(all, &entry); err == nil; err = windows.Thread32Next(all, &entry) {
		if entry.OwnerProcessID != pid {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return err
		}
		_, err = windows.ResumeThread(thread)
		windows.CloseHandle(thread)
		return err
	}
	return err
}

// kill kills all processes of the job. The command itself may not be in it.
func (j *Job) kill() error {
	if j.handle != 0 {
		_ = windows.TerminateJobObject(j.handle, 1)
	}
	return j.cmd.Process.Kill()
}

// Release lets what is left of the job outlive this process.
func (j *Job) Release() {
	if j.handle != 0 {
		_ = j.limit(0) // if it fails, they end with this process
	}
}

// run runs a command. The end of its context kills what the command started, too;
// what it leaves running when it ends by itself lives on.
func run(cmd *exec.Cmd) error {
	j := newJob(cmd)
	cmd.Cancel = j.kill
	if err := j.start(); err != nil {
		return err
	}
	err := cmd.Wait()
	j.Release()
	windows.CloseHandle(j.handle)
	return err
}
