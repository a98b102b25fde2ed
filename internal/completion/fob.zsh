#compdef fob
# zsh: eval "$(fob completion zsh)" after compinit, or as _fob in $fpath.
_fob() {
	local answer
	local -a candidates
	for answer in "${(@f)$("${words[1]}" __complete "=${(Q)PREFIX}" "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}"; do
		case $answer in
		'') ;;
		:files)
			compset -P '--*='
			_files
			;;
		:command*) # the rest is another command's
			shift $((${answer#* } + 1)) words
			((CURRENT -= ${answer#* } + 1))
			_normal
			return
			;;
		*$'\t') candidates+=("${${answer%$'\t'}//:/\\:}") ;; # without a description, and so without its --
		*) candidates+=("${${answer%%$'\t'*}//:/\\:}:${answer#*$'\t'}") ;;
		esac
	done
	((${#candidates})) && _describe fob candidates
}
if [[ $funcstack[1] == _fob ]]; then
	_fob "$@"
else
	compdef _fob fob
fi
