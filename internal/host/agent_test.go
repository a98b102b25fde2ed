package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestAgentByVariable(t *testing.T) {
	for _, tt := range []struct {
		environ string
		want    Agent
	}{
		{"CLAUDECODE=1", Agent{"Claude Code", "CLAUDECODE"}},
		{"CLAUDECODE=1 AGENT=amp", Agent{"Amp", "AGENT"}},
		{"CODEX_SANDBOX=seatbelt", Agent{"Codex", "CODEX_SANDBOX"}},
		{"GEMINI_CLI=1", Agent{"Gemini CLI", "GEMINI_CLI"}},
		{"CURSOR_AGENT=1", Agent{"Cursor", "CURSOR_AGENT"}},
		{"CURSOR_EXTENSION_HOST_ROLE=agent-exec", Agent{"Cursor", "CURSOR_EXTENSION_HOST_ROLE"}},
		{"COPILOT_CLI=1", Agent{"GitHub Copilot", "COPILOT_CLI"}},
		{"OPENCODE=1 AGENT=1", Agent{"opencode", "OPENCODE"}},
		{"AWS_EXECUTION_ENV=AmazonQ-For-CLI/1.7", Agent{"Amazon Q", "AWS_EXECUTION_ENV"}},
		{"CRUSH=1 AGENT=crush AI_AGENT=crush", Agent{"Crush", "CRUSH"}},
		{"AI_AGENT=openhands", Agent{"openhands", "AI_AGENT"}},
		{"AGENT=custom-agent@2.0", Agent{"custom-agent@2.0", "AGENT"}},
		{"AGENT=1", Agent{"an AI coding agent", "AGENT"}},
		{"AGENT=true", Agent{"an AI coding agent", "AGENT"}},
		{"AI_AGENT=\x1b[2J", Agent{"an AI coding agent", "AI_AGENT"}},
		// No agent.
		{"", Agent{}},
		{"CLAUDECODE= GEMINI_CLI=0 AGENT=false", Agent{}},
		{"CURSOR_TRACE_ID=x REPL_ID=x TERM_PROGRAM=kiro GOOSE_PROVIDER=x AIDER_MODEL=x ANTHROPIC_API_KEY=x", Agent{}},
		{"CURSOR_EXTENSION_HOST_ROLE=user AWS_EXECUTION_ENV=AWS_ECS_FARGATE", Agent{}},
	} {
		h := Host{Getenv: Lookup(strings.Fields(tt.environ))}
		if got, ok := h.agentByVariable(); got != tt.want || ok != (tt.want != Agent{}) {
			t.Errorf("%q: %+v", tt.environ, got)
		}
	}
}

func TestAgentByProcess(t *testing.T) {
	for _, tt := range []struct {
		name, args string
		want       string
	}{
		{"claude", "claude", "Claude Code"},
		{"claude", "claude --resume", "Claude Code"},
		{"node", "node /usr/local/bin/gemini --model x", "Gemini CLI"},
		{"node", "/usr/bin/node --no-warnings /usr/lib/node_modules/@google/gemini-cli/dist/index.js", "Gemini CLI"},
		{"MainThread", "node /home/jo/.npm/lib/node_modules/@github/copilot/index.js", "GitHub Copilot"},
		{"node", `C:\Program^Files\nodejs\node.exe C:\Users\jo\AppData\Roaming\npm\node_modules\@anthropic-ai\claude-code\cli.js`, "Claude Code"},
		{"aider", "/home/jo/.venv/bin/python /home/jo/.venv/bin/aider --yes", "Aider"},
		{"python3", "python3 -m aider", "Aider"},
		{"python3.12", "python3.12 /home/jo/.local/bin/aider", "Aider"},
		{"codex", `C:\Users\jo\bin\codex.exe exec`, "Codex"},
		{"cursor-agent", "/home/jo/.local/bin/cursor-agent", "Cursor"},
		// No agent.
		{"zsh", "-zsh", ""},
		{"vim", "vim claude", ""},
		{"less", "less /usr/local/bin/gemini", ""},
		{"node", "node server.js claude", ""},
		{"node", "node", ""},
		{"copilot", "copilot svc deploy", ""},
		{"goose", "goose up", ""},
		{"cursor", "/usr/share/cursor/cursor --type=zygote", ""},
		{"", "", ""},
	} {
		args := strings.Fields(tt.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "^", " ")
		}
		got, sign, ok := process{name: tt.name, args: args}.agent()
		if got != tt.want || ok != (tt.want != "") || ok != (sign != "") {
			t.Errorf("%s: %q: %q, %q", tt.name, tt.args, got, sign)
		}
	}
}

func TestAgentIn(t *testing.T) {
	for line, want := range map[string]Agent{
		"claude --resume":       {"Claude Code", "command claude"},
		"/opt/bin/cursor-agent": {"Cursor", "command cursor-agent"},
		"node /usr/local/lib/node_modules/@openai/codex/bin/codex.js": {"Codex", "command codex"},
		"env -u X A=b claude":                             {"Claude Code", "command claude"},
		"npx -y @anthropic-ai/claude-code@latest --print": {"Claude Code", "command @anthropic-ai/claude-code"},
		"env DEBUG=1 bunx opencode-ai":                    {"opencode", "command opencode-ai"},
		"uvx --from aider-chat aider":                     {"Aider", "command aider"},
		"npx -p x @openai/codex":                          {"Codex", "command @openai/codex"},
		"uvx aider":                                       {"Aider", "command aider"},
		"pipx run aider":                                  {"Aider", "command aider"},
		"terraform plan":                                  {}, "less claude": {}, "": {}, "env": {}, "env A=b terraform claude": {}, "npx cdk deploy claude": {}, "npx": {}, "npx -y": {},
	} {
		if got := AgentIn(strings.Fields(line)); got != want {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func TestAgentAbove(t *testing.T) {
	tree := map[int]process{
		10: {name: "sh", parent: 9}, 9: {name: "aws", parent: 8}, 8: {name: "claude", parent: 7}, 7: {name: "zsh", parent: 1},
		20: {name: "sh", parent: 7},
		30: {name: "sh", parent: 31}, 31: {name: "sh", parent: 30},
	}
	look := func(pid int) process { return tree[pid] }
	for _, tt := range []struct {
		pid, top int
		want     bool
	}{{10, 0, true}, {8, 0, true}, {20, 0, false}, {10, 9, false}, {10, 7, true}, {30, 0, false}, {99, 0, false}, {1, 0, false}} {
		if got, ok := agentAbove(tt.pid, tt.top, look); ok != tt.want || ok && got != (Agent{"Claude Code", "process claude"}) {
			t.Errorf("from %d up to %d: %+v", tt.pid, tt.top, got)
		}
	}
}

// The system tells who the ancestors are: this binary, started as an agent's program,
// starts itself, which looks for the agent.
func TestAgentOfSystem(t *testing.T) {
	if !slices.Contains([]string{"linux", "darwin", "windows"}, runtime.GOOS) {
		t.Skip("nothing is known of processes here")
	}
	top, _ := strconv.Atoi(os.Getenv("FOBTEST_TOP"))
	switch os.Getenv("FOBTEST_AGENT") {
	case "agent":
		c := exec.Command(os.Args[0], "-test.run=^TestAgentOfSystem$", "-test.v")
		c.Env = append(os.Environ(), "FOBTEST_AGENT=child")
		out, err := c.CombinedOutput()
		t.Logf("%s%v", out, err)
		return
	case "child":
		a, ok := Host{Getenv: func(string) string { return "" }}.Agent(top)
		t.Logf("found %t: %s by %s", ok, a.Name, a.Sign)
		return
	}
	for name, want := range map[string]string{"cursor-agent": "found true: Cursor by process cursor-agent", "zsh": "found false"} {
		program := filepath.Join(t.TempDir(), name)
		if runtime.GOOS == "windows" {
			program += ".exe"
		}
		// Under wine a process has the first name of its file, so a link would not do.
		if runtime.GOOS == "windows" || os.Link(os.Args[0], program) != nil {
			text, err := os.ReadFile(os.Args[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(program, text, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.Command(program, "-test.run=^TestAgentOfSystem$", "-test.v")
		c.Env = append(os.Environ(), "FOBTEST_AGENT=agent", "FOBTEST_TOP="+strconv.Itoa(os.Getpid()))
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
