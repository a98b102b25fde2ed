package plan

import (
	"os"
	"strings"
	"testing"
)

// A config sets no variable that changes which credentials or which code a command uses,
// whatever the case of its name.
func TestReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"AWS_PROFILE": true, "Aws_Profile": true, "FOB_STORE": true, "HOME": true, "UserProfile": true, "XDG_CONFIG_HOME": true,
		"LD_PRELOAD": true, "LD_AUDIT": true, "DYLD_INSERT_LIBRARIES": true, "GCONV_PATH": true, "GLIBC_TUNABLES": true, "OPENSSL_CONF": true,
		"PATH": true, "Path": true, "ComSpec": true, "BASH_ENV": true, "PSModulePath": true, "fish_function_path": true, "PS1": true,
		"NODE_OPTIONS": true, "PYTHONSTARTUP": true, "PYTHONPYCACHEPREFIX": true, "PERL5DB": true, "RUBYOPT": true, "_JAVA_OPTIONS": true, "CLASSPATH": true,
		"DOTNET_STARTUP_HOOKS": true, "CORECLR_PROFILER_PATH_64": true, "COR_ENABLE_PROFILING": true, "COMPlus_AltJit": true,
		"PHPRC": true, "PHP_INI_SCAN_DIR": true, "LUA_INIT": true, "LUA_INIT_5_4": true, "R_PROFILE_USER": true, "R_ENVIRON": true, "ERL_AFLAGS": true, "ELIXIR_ERL_OPTIONS": true,
		"PAGER": true, "EDITOR": true, "GIT_SSH_COMMAND": true, "GIT_CONFIG_COUNT": true, "GIT_CONFIG_KEY_0": true, "MAKEFLAGS": true,
		"MANPAGER": true, "LESSKEY": true, "LESSKEYIN": true, "LESSKEY_CONTENT": true, "LESSKEYIN_SYSTEM": true, "LESSEDIT": true, "GH_PAGER": true, "KUBE_EDITOR": true, "KUBECTL_EXTERNAL_DIFF": true,
		"GOFLAGS": true, "GOENV": true, "GOCACHEPROG": true, "GOAUTH": true, "CC": true, "RUSTC_WRAPPER": true, "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER": true,
		"npm_config_node_options": true, "NPM_CONFIG_SCRIPT_SHELL": true, "NPM_CONFIG_USERCONFIG": true, "YARN_YARN_PATH": true, "PYTEST_ADDOPTS": true,
		"TF_CLI_CONFIG_FILE": true, "TF_CLI_ARGS_init": true, "TF_REATTACH_PROVIDERS": true, "TG_TF_PATH": true, "TERRAGRUNT_IAM_ROLE": true, "CDK_APP": true, "CDK_ROLE_ARN": true, "SSLKEYLOGFILE": true,

		"KUBECONFIG": false, "NPM_CONFIG_REGISTRY": false, "NPM_TOKEN": false, "YARN_NPM_AUTH_TOKEN": false, "CARGO_REGISTRY_TOKEN": false, "CARGO_REGISTRIES_OURS_TOKEN": false, "GOPRIVATE": false, "GOPROXY": false, "GOOS": false,
		"TF_VAR_password": false, "TF_TOKEN_app_terraform_io": false, "TF_LOG": false, "GH_TOKEN": false, "CDK_DEFAULT_REGION": false, "CCC": false, "LESSON": false, "MANPATH": false,
		"ENV": false, "DB_PASSWORD": false, "HTTPS_PROXY": false, "http_proxy": false, "SSL_CERT_FILE": false, "NODE_ENV": false, "NODE_EXTRA_CA_CERTS": false,
		"DOTNET_ENVIRONMENT": false, "ASPNETCORE_ENVIRONMENT": false, "PYTHONUNBUFFERED": false, "RUBY_VERSION": false, "JAVA_OPTS": false,
		"GIT_AUTHOR_NAME": false, "GIT_SHA": false, "HOMEPAGE": false, "PATHS": false, "MY_PATH": false, "PAGERDUTY_TOKEN": false, "TERM": false, "TZ": false,
	} {
		if isReserved(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

// The manual lists the names that are refused, all of them and no other.
func TestManualHasReserved(t *testing.T) {
	page, err := os.ReadFile("../../doc/fob.1")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "\nSome names are errors, in upper or lower case, ")
	list, _, found := strings.Cut(list, "\nOther variables, such as\n")
	if !found {
		t.Fatal("no list in the manual")
	}
	has := map[string]bool{}
	for line := range strings.Lines(list) {
		if words := strings.Fields(line); words[0] == ".B" || words[0] == ".BR" {
			has[words[1]] = true
		}
	}
	for _, name := range reserved {
		if !has[name] {
			t.Errorf("the manual lacks %s", name)
		}
		delete(has, name)
	}
	if len(has) > 0 {
		t.Errorf("fob does not refuse %v", has)
	}
}
