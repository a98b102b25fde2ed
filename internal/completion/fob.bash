# bash 3.2 and later: eval "$(fob completion bash)"
_fob() {
	# Not COMP_WORDS: in those, : and = end a word, and profiles may have them.
	local words line=${COMP_LINE:0:COMP_POINT}
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	local last=$((${#words[@]} - 1)) i candidate
	COMPREPLY=()
	for ((i = 1; i < last; i++)); do
		if [[ ${words[i]} == -- ]]; then # the rest is another command's
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif ((i + 1 == last)); then
				COMPREPLY=($(compgen -c -- "${words[last]}"))
			fi
			return
		fi
	done
	local word=${words[last]}
	local typed=${word%"${word##*[:=]}"} # readline replaces what follows only
	while IFS=$'\t' read -r candidate _; do
		COMPREPLY+=("$(printf %q "${candidate#"$typed"}")")
	done < <("$1" __complete "=$word" "${words[@]:1:last-1}" 2>/dev/null)
}
complete -o bashdefault -o default -F _fob fob
