package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/internal/awsconfig"
)

// envPrefix begins the keys that set variables of the command of fob exec.
const envPrefix = "fob_env_"

// Variable is one that a profile or a flag sets for the command of fob exec.
type Variable struct {
	Name  string
	Value []Part
	From  string // file and line, or the flag
}

// MarshalJSON shows what is referred to, and no text, which may be a secret.
func (v Variable) MarshalJSON() ([]byte, error) {
	shown := struct {
		Name       string   `json:"name"`
		References []string `json:"references,omitempty"`
		From       string   `json:"from"`
	}{Name: v.Name, From: v.From}
	for _, ref := range References([]Variable{v}) {
		shown.References = append(shown.References, ref.String())
	}
	return join(shown)
}

// VariableError is a variable that cannot be set.
type VariableError struct {
	At, Name, Problem string
	// Typed: what was typed in the place of a reference may be the secret itself.
	Typed bool
	// Malformed: it is not written as variables and references are.
	Malformed bool
}

func (e *VariableError) Error() string {
	if e.Name == "" {
		return e.At + ": " + e.Problem
	}
	return e.At + ": " + e.Name + ": " + e.Problem
}

// ParseSecret reads what a flag takes: NAME=REFERENCE. The value of a secret is not
// taken, because other users see command lines.
func ParseSecret(text, from string) (Variable, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return Variable{}, &VariableError{At: from, Problem: "not NAME=REFERENCE", Typed: !isVariableName(text)}
	}
	v, err := newVariable(name, value, from)
	if err != nil {
		return Variable{}, err
	}
	if strings.HasPrefix(value, "arn:") {
		return Variable{}, &VariableError{At: from, Name: name, Problem: "put ssm: or secretsmanager: before an ARN"}
	}
	if len(References([]Variable{v})) == 0 {
		return Variable{}, &VariableError{At: from, Name: name, Problem: "not a reference; use ssm:NAME or secretsmanager:ID", Typed: true}
	}
	return v, nil
}

func newVariable(name, value, from string) (Variable, error) {
	switch {
	case !isVariableName(name):
		return Variable{}, &VariableError{At: from, Problem: "not the name of a variable (letters, digits and _)", Malformed: true}
	case isReserved(name):
		return Variable{}, &VariableError{At: from, Name: name, Problem: "not allowed: this variable can change which credentials or code the command uses"}
	}
	parts, err := parseValue(value)
	if err != nil {
		return Variable{}, &VariableError{At: from, Name: name, Problem: err.Error(), Malformed: true}
	}
	return Variable{Name: name, Value: parts, From: from}, nil
}

// isVariableName reports whether every shell can use a variable of this name.
func isVariableName(name string) bool {
	return isName(name, "_") && (name[0] < '0' || name[0] > '9')
}

// isReserved reports whether a variable may change which credentials or which code the
// command uses: that is not for a line of a config. The case does not count, because it
// does not on Windows, which reads the same config.
func isReserved(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc(reserved[:], func(r string) bool {
		prefix, family := strings.CutSuffix(r, "*")
		return name == r || family && strings.HasPrefix(name, prefix)
	}) && name != "DOTNET_ENVIRONMENT" // which is only a stage
}

// reserved are such variables; a * stands for the rest of a name. Many are those that sudo
// removes, others their younger relatives. ENV is not one of them: many programs call their
// stage so, and only an interactive sh reads the file that it names. Neither are proxies
// and certificates, which are what some networks need, nor KUBECONFIG, which people set for
// each account: what it has run is in a file of theirs.
var reserved = [...]string{
	// Which credentials: settings, and where the AWS files, fob's store and keyrings are.
	"AWS_*", "FOB_*", "BOTO_*",
	"HOME", "XDG_*", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA",
	"DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "PASSWORD_STORE_*",
	// The loader, and libraries that nearly all programs have.
	"PATH", "PATHEXT", "LD_*", "DYLD_*", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH",
	"OPENSSL_*", "SYSTEMROOT", "WINDIR",
	// Shells.
	"IFS", "CDPATH", "SHELL", "COMSPEC", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT_COMMAND", "INPUTRC",
	"ZDOTDIR", "FPATH", "MODULE_PATH", "NULLCMD", "READNULLCMD", "FISH_*", "PSMODULEPATH",
	// Languages.
	"NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE", "BUN_OPTIONS", "BUN_INSPECT_PRELOAD",
	"NPM_CONFIG_NODE_OPTIONS", "NPM_CONFIG_SCRIPT_SHELL", "NPM_CONFIG_SHELL", "NPM_CONFIG_GIT", "NPM_CONFIG_EDITOR", "NPM_CONFIG_VIEWER", "NPM_CONFIG_BROWSER",
	"NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG", "NPM_CONFIG_PREFIX", "NPM_CONFIG_PYTHON", "NPM_CONFIG_NODE_GYP", "NPM_CONFIG_INIT_MODULE",
	"YARN_YARN_PATH", "YARN_RC_FILENAME", "YARN_PLUGINS",
	"PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONWARNINGS",
	"PYTHONEXECUTABLE", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTEST_ADDOPTS", "PYTEST_PLUGINS",
	"PERL5*", "PERLLIB", "PERLIO*",
	"RUBYOPT", "RUBYLIB", "RUBYLIB_PREFIX", "RUBYSHELL", "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE",
	"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JDK_JAVAC_OPTIONS", "_JAVA_OPTIONS", "IBM_JAVA_OPTIONS", "OPENJ9_JAVA_OPTIONS", "JAVA_HOME", "CLASSPATH",
	"DOTNET_*", "CORECLR_*", "COR_*", "COMPLUS_*", "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", "MONO_*",
	"PHPRC", "PHP_INI_SCAN_DIR", "LUA_*", "JULIA_*", "ERL_*", "ELIXIR_ERL_OPTIONS", "GUILE_*", "TCLLIBPATH", "TCL_LIBRARY",
	"R_HOME", "R_PROFILE*", "R_ENVIRON*", "R_LIBS*", "R_DEFAULT_PACKAGES", "AWKPATH", "AWKLIBPATH",
	"GOFLAGS", "GOENV", "GOROOT", "GOTOOLDIR", "GOTOOLCHAIN", "GOWORK", "GOCACHEPROG", "GOAUTH", "CC", "CXX", "PKG_CONFIG",
	"RUSTC*", "RUSTDOC*", "RUSTFLAGS", "CARGO_HOME", "CARGO_BUILD_*", "CARGO_TARGET_*", "CARGO_ALIAS_*",
	// What the AWS CLI, git, make and others start.
	"PAGER", "MANPAGER", "MANOPT", "EDITOR", "VISUAL", "FCEDIT", "BROWSER", "LESS", "LESSOPEN", "LESSCLOSE", "LESSEDIT", "LESSKEY*", "LESSMETA*",
	"SSH_ASKPASS", "SUDO_ASKPASS", "VIMINIT", "EXINIT",
	"GH_PAGER", "GH_EDITOR", "GH_BROWSER", "PSQL_PAGER", "PSQL_EDITOR*", "PSQLRC", "SYSTEMD_PAGER", "SYSTEMD_EDITOR", "KUBE_EDITOR", "KUBECTL_EXTERNAL_DIFF", "HELM_PLUGINS",
	"GIT_ASKPASS", "GIT_SSH*", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_ALLOW_PROTOCOL",
	"GIT_EXEC_PATH", "GIT_TEMPLATE_DIR", "GIT_CONFIG*", "GIT_DIR", "GIT_COMMON_DIR",
	"MAKEFLAGS", "GNUMAKEFLAGS", "MAKEFILES", "MFLAGS", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "TAR_OPTIONS", "WGETRC", "CURL_HOME",
	"TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_CLI_ARGS*", "TF_REATTACH_PROVIDERS", "TERRAGRUNT_TFPATH", "TERRAGRUNT_IAM_*", "TG_TF_PATH", "TG_IAM_*",
	"CDK_APP", "CDK_BUILD", "CDK_PLUGIN", "CDK_PROFILE", "CDK_ROLE_ARN", "CDK_DOCKER",
	// The keys of encrypted connections, in a file.
	"SSLKEYLOGFILE",
}

// env are the variables that the command of fob exec gets: those of the flags, and those
// of the profile asked for and the profiles that it includes. Source profiles lend none.
func (r *resolver) env(region string) (all []Variable, err error) {
	has := func(name string) bool {
		return slices.ContainsFunc(all, func(v Variable) bool {
			return v.Name == name || r.facts.FoldCase && strings.EqualFold(v.Name, name)
		})
	}
	for _, v := range r.opts.Secrets {
		if has(v.Name) {
			return nil, &VariableError{At: v.From, Problem: v.Name + " is given twice"}
		}
		v.Value = slices.Clone(v.Value) // locate writes to it
		all = append(all, v)
	}
	for _, layer := range r.chain[0].section.Layers() {
		for _, line := range layer.Variables(r.facts.FoldCase) {
			if has(line.Written[len(envPrefix):]) {
				continue
			}
			v, err := newVariable(line.Written[len(envPrefix):], line.Text, At(line))
			if e, ok := errors.AsType[*VariableError](err); ok {
				e.Name = line.Written // unlike what is typed, it cannot be the secret itself
			}
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
	}
	if err := r.misplacedVariable(); err != nil {
		return nil, err
	}
	return all, r.locate(all, region)
}

// misplacedVariable is the error for a variable in the section of a sign-in, whose other
// settings its profiles have.
func (r *resolver) misplacedVariable() error {
	s, _ := r.source.(SSO)
	section, _ := r.facts.Config.Section(ssoSection, s.Session) // none has the name ""
	for _, line := range section.Prefixed() {
		if setsVariable(line) {
			return &VariableError{At: At(line), Name: line.Written, Problem: "has no effect in an sso-session; write it in each profile that it is for"}
		}
	}
	return nil
}

// SetsVariables reports whether a profile sets variables for the command of fob exec.
func SetsVariables(section awsconfig.Profile) bool {
	return slices.ContainsFunc(section.Prefixed(), setsVariable)
}

func setsVariable(line awsconfig.Value) bool { return strings.HasPrefix(line.Key, envPrefix) }

// locate says in which region each reference is looked up: the one of its ARN, or the
// profile's.
func (r *resolver) locate(all []Variable, region string) error {
	partition, from := r.partition()
	for _, v := range all {
		for i := range v.Value {
			ref := &v.Value[i].Reference
			switch p := partitionOf(ref.Region).name; {
			case *ref == Reference{}:
			case ref.Region != "" && from != "" && p != partition:
				return &VariableError{At: v.From, Name: v.Name, Problem: fmt.Sprintf("%s is in partition %q, but %s is in %q", ref.ID, p, from, partition)}
			case ref.Region != "":
			case region == "":
				return &NoRegionError{At: v.From, Reference: ref.String(), Profile: r.chain[0].name}
			default:
				ref.Region = region
			}
		}
	}
	return nil
}

// NoRegionError: a reference without a region, for a profile without one.
type NoRegionError struct{ At, Reference, Profile string }

func (e *NoRegionError) Error() string {
	return fmt.Sprintf("%s: profile %q has no region in which to look up %s", e.At, e.Profile, e.Reference)
}
