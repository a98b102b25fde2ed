package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Agent is an AI coding agent that has, in the end, started this process.
type Agent struct {
	Name string // of the product; "an AI coding agent" where only that is known
	// Sign is what it was recognized by: a variable, or a process.
	Sign string
}

// agents are the signs of coding agents: variables that they set for the commands they
// run, as NAME or NAME=VALUE; names of their programs; and packages of programs that
// node runs.
//
// A sign must not be there for a person at work: the terminals of the IDEs have
// CURSOR_TRACE_ID, CODEIUM_EDITOR_APP_ROOT (Windsurf), TERM_PROGRAM=kiro and REPL_ID
// also for those who type in them, and GOOSE_PROVIDER and AIDER_* are settings. Nor may
// another tool have the name of the program: copilot deploys to AWS, goose migrates
// databases, and pi and q are short. GitHub Copilot in VS Code has no sign of its own.
var agents = [...]struct {
	name      string
	variables []string
	programs  []string
	packages  []string
}{
	// https://ampcode.com/manual/appendix. It is before Claude Code, whose variable it
	// sets, too (https://github.com/cli/cli/blob/trunk/internal/agents/detect.go).
	{"Amp", []string{"AGENT=amp", "AMP_CURRENT_THREAD_ID"}, []string{"amp"}, []string{"@sourcegraph/amp"}},
	// https://code.claude.com/docs/en/env-vars
	{"Claude Code", []string{"CLAUDECODE"}, []string{"claude"}, []string{"@anthropic-ai/claude-code"}},
	// https://github.com/openai/codex: codex-rs/core/src/spawn.rs, exec_env.rs,
	// unified_exec/process_manager.rs
	{"Codex", []string{"CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "CODEX_THREAD_ID", "CODEX_CI"}, []string{"codex"}, []string{"@openai/codex"}},
	// https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/shell.md
	{"Gemini CLI", []string{"GEMINI_CLI"}, []string{"gemini"}, []string{"@google/gemini-cli"}},
	// https://github.com/github/copilot-cli/blob/main/changelog.md (0.0.421, 1.0.29)
	{"GitHub Copilot", []string{"COPILOT_CLI", "COPILOT_AGENT_SESSION_ID"}, nil, []string{"@github/copilot"}},
	// https://github.com/unjs/std-env/blob/main/src/agents.ts and gh's detect.go: Cursor
	// documents none.
	{"Cursor", []string{"CURSOR_AGENT", "CURSOR_EXTENSION_HOST_ROLE=agent-exec"}, []string{"cursor-agent"}, nil},
	// https://github.com/anomalyco/opencode/blob/dev/packages/opencode/src/index.ts
	{"opencode", []string{"OPENCODE"}, []string{"opencode"}, []string{"opencode-ai"}},
	// https://github.com/cline/cline/discussions/5366
	{"Cline", []string{"CLINE_ACTIVE"}, []string{"cline"}, []string{"cline"}},
	// https://aider.chat/docs/install.html: it sets no variable.
	{"Aider", nil, []string{"aider"}, nil},
	// https://github.com/block/goose/pull/7017
	{"Goose", []string{"GOOSE_TERMINAL", "AGENT=goose"}, nil, nil},
	// https://github.com/QwenLM/qwen-code/blob/main/docs/users/features/commands.md
	{"Qwen Code", []string{"QWEN_CODE"}, []string{"qwen"}, []string{"@qwen-code/qwen-code"}},
	// https://github.com/charmbracelet/crush/blob/main/internal/shell/shell.go
	{"Crush", []string{"CRUSH"}, []string{"crush"}, nil},
	// gh's detect.go, which knows no documentation
	{"Antigravity", []string{"ANTIGRAVITY_AGENT"}, nil, nil},
	{"Auggie", []string{"AUGMENT_AGENT"}, []string{"auggie"}, []string{"@augmentcode/auggie"}},
	// https://github.com/badlogic/pi-mono/issues/2868
	{"Pi", []string{"PI_CODING_AGENT"}, nil, []string{"@mariozechner/pi-coding-agent"}},
	// std-env's agents.ts
	{"Junie", []string{"JUNIE_DATA", "JUNIE_SHIM_PATH"}, nil, nil},
	// https://github.com/aws/aws-cdk-cli/blob/main/packages/aws-cdk/lib/cli/util/detect-agent.ts
	{"Amazon Q", []string{"AWS_EXECUTION_ENV=AmazonQ-For-CLI"}, nil, nil},
	// https://github.com/agentsmd/agents.md/issues/136
	{"Trae", []string{"TRAE_AI_SHELL_ID"}, nil, nil},
}

// namedAgents are variables whose value is the name of an agent, proposed as standards
// (https://github.com/vercel/vercel/blob/main/packages/detect-agent/README.md,
// https://github.com/agentsmd/agents.md/issues/136).
var namedAgents = [...]string{"AI_AGENT", "AGENT"}

// devin is a directory of the machines that Devin works on (vercel's detect-agent).
const devin = "/opt/.devin"

// Agent is the coding agent that has started this process, by the variables it sets or
// by the processes between it and this one; false if there is no sign of one. top is the
// process at which the search ends; 0 is the first of all.
//
// It recognizes agents that do not hide. Who starts a process decides over its
// variables and, by way of another parent, over its ancestors.
func (h Host) Agent(top int) (Agent, bool) {
	if a, ok := h.agentByVariable(); ok {
		return a, true
	}
	if _, err := os.Stat(devin); err == nil {
		return Agent{"Devin", devin}, true
	}
	return agentAbove(os.Getppid(), top, processOf)
}

func (h Host) agentByVariable() (Agent, bool) {
	set := func(name string) string {
		v := h.Getenv(name)
		if v == "0" || strings.EqualFold(v, "false") {
			return ""
		}
		return v
	}
	for _, a := range agents {
		for _, variable := range a.variables {
			name, want, exact := strings.Cut(variable, "=")
			if v := set(name); v != "" && (!exact || strings.HasPrefix(v, want)) {
				return Agent{a.name, name}, true
			}
		}
	}
	for _, name := range namedAgents {
		if v := set(name); v != "" {
			return Agent{agentName(v), name}, true
		}
	}
	return Agent{}, false
}

// agentName is what a variable calls an agent, if that can be a name.
func agentName(value string) string {
	const letters, more = "abcdefghijklmnopqrstuvwxyz", "0123456789@._-"
	folded := strings.ToLower(value)
	named := len(value) <= 40 && strings.Trim(folded[:1], letters) == "" && strings.Trim(folded, letters+more) == ""
	if !named || folded == "true" {
		return "an AI coding agent"
	}
	return value
}

// agentAbove looks for an agent among a process and its ancestors.
func agentAbove(pid, top int, look func(pid int) process) (Agent, bool) {
	const deepest = 64 // a loop would be an error of the system's
	for range deepest {
		if pid <= 1 || pid == top {
			break
		}
		p := look(pid)
		if name, sign, ok := p.agent(); ok {
			return Agent{name, "process " + sign}, true
		}
		pid = p.parent
	}
	return Agent{}, false
}

// AgentIn is the coding agent that a command line starts, also through env or a runner of
// packages such as npx; zero for other programs.
func AgentIn(argv []string) Agent {
	for len(argv) > 0 && baseName(argv[0]) == "env" {
		i := 1
		for i < len(argv) && (strings.HasPrefix(argv[i], "-") || strings.Contains(argv[i], "=") || slices.Contains(valued[:], argv[i-1])) {
			i++
		}
		argv = argv[i:]
	}
	if len(argv) > 0 && slices.Contains(runners[:], baseName(argv[0])) {
		return agentPackage(argv[1:])
	}
	name, sign, ok := process{args: argv}.agent()
	if !ok {
		return Agent{}
	}
	return Agent{name, "command " + sign}
}

// runners start a program from its package.
var runners = [...]string{"npx", "pnpx", "bunx", "uvx", "pipx"}

// valued are the options of env and of runners whose value is the next argument.
var valued = [...]string{"-u", "--unset", "-C", "--chdir", "-p", "--package", "--from", "--with", "--python"}

// agentPackage is the coding agent that a runner of packages starts with its arguments.
func agentPackage(args []string) Agent {
	for i, arg := range args {
		name := arg
		if at := strings.LastIndex(arg, "@"); at > 0 {
			name = arg[:at] // without the version
		}
		for _, a := range agents {
			if slices.Contains(a.packages, name) || slices.Contains(a.programs, name) {
				return Agent{a.name, "command " + name}
			}
		}
		if !strings.HasPrefix(arg, "-") && arg != "run" && (i == 0 || !slices.Contains(valued[:], args[i-1])) {
			break // the rest is the program's
		}
	}
	return Agent{}
}

// interpreters run the programs of some agents.
var interpreters = [...]string{"node", "bun", "deno", "python", "python3"}

// agent is the coding agent that a process is, and the program or package that says so.
func (p process) agent() (name, sign string, ok bool) {
	names := []string{p.name}
	var script string
	if len(p.args) > 0 {
		names = append(names, baseName(p.args[0]))
	}
	if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(interpreters[:], n) || strings.HasPrefix(n, "python3.") }) {
		i := slices.IndexFunc(p.args[min(1, len(p.args)):], func(a string) bool { return !strings.HasPrefix(a, "-") })
		if i >= 0 {
			script = strings.ReplaceAll(p.args[i+1], `\`, "/")
			names = append(names, baseName(script))
		}
	}
	for _, a := range agents {
		for _, name := range names {
			if slices.Contains(a.programs, name) {
				return a.name, name, true
			}
		}
		for _, pkg := range a.packages {
			if strings.Contains(script, "/node_modules/"+pkg+"/") {
				return a.name, pkg, true
			}
		}
	}
	return "", "", false
}

// baseName is the name of a program, without its directory and its extension.
func baseName(path string) string {
	base := path[strings.LastIndexAny(path, `/\`)+1:]
	switch ext := strings.ToLower(filepath.Ext(base)); ext {
	case ".exe", ".cmd", ".js", ".mjs", ".cjs", ".py":
		base = base[:len(base)-len(ext)]
	}
	return base
}
