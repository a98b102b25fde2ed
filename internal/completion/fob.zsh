#compdef fob
# zsh: eval "$(fob completion zsh)" after compinit, or as _fob in $fpath.
_fob() {
	local rest=${words[(i)--]} candidate about
	local -a candidates
	if ((rest < CURRENT)); then # the rest is another command's
		shift rest words
		((CURRENT -= rest))
		_normal
		return
	fi
	while IFS=$'\t' read -r candidate about; do
		candidates+=("${candidate//:/\\:}:$about")
	done < <("${words[1]}" __complete "=${(Q)PREFIX}" "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)
	if ((${#candidates})); then
		_describe fob candidates
	else
		_files
	fi
}
if [[ $funcstack[1] == _fob ]]; then
	_fob "$@"
else
	compdef _fob fob
fi
