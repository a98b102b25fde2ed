# fish: fob completion fish | source
function __fob_candidates
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l rest (contains --index -- -- $words)
    if test -n "$rest" # the rest is another command's
        complete --do-complete (string join ' ' -- (string escape -- $words[(math $rest + 1)..]) $word)
        return
    end
    set -l found ($words[1] __complete "=$word" $words[2..] 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path $word
    end
end
complete --command fob --no-files --arguments '(__fob_candidates)'
