# bash 3.2 and later: eval "$(fob completion bash)"
_fob() {
	# Not COMP_WORDS: in those, : and = end a word, and profiles may have them.
	local words line=${COMP_LINE:0:COMP_POINT}
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	local last=$((${#words[@]} - 1)) answer candidate
	local word=${words[last]}
	local typed=${word%"${word##*[:=]}"} # readline replaces what follows only
	COMPREPLY=()
	while IFS= read -r answer; do
		case $answer in
		:files) _fob_files "${word#"$typed"}" ;;
		:command*) _fob_command $((${answer#* } + 1)) ;;
		*)
			candidate=${answer%%$'\t'*}
			COMPREPLY+=("$(printf %q "${candidate#"$typed"}")")
			;;
		esac
	done < <("$1" __complete "=$word" "${words[@]:1:last-1}" 2>/dev/null)
}
_fob_files() {
	if type compopt >/dev/null 2>&1; then # since bash 4
		compopt -o default -o bashdefault
	else
		local IFS=$'\n'
		COMPREPLY+=($(compgen -f -- "$1"))
	fi
}
# The words from the given one on are another command's.
_fob_command() {
	COMP_WORDS=("${words[@]:$1}") COMP_CWORD=$((last - $1)) COMP_LINE="${words[*]:$1}"
	COMP_POINT=${#COMP_LINE}
	if declare -F _command_offset >/dev/null; then
		_command_offset 0
	elif ((COMP_CWORD == 0)); then
		COMPREPLY=($(compgen -c -- "$word"))
	else
		_fob_files "$word"
	fi
}
complete -F _fob fob
