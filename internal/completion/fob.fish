# fish: fob completion fish | source
function __fob_candidates
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --current-token --cut-at-cursor)
    for answer in ($words[1] __complete "=$word" $words[2..] 2>/dev/null)
        switch $answer
            case :files
                set -l flag (string match --regex '^--[^=]+=' -- $word; or echo)
                printf '%s\n' $flag(__fish_complete_path (string replace --regex '^--[^=]+=' '' -- $word))
            case ':command *' # the rest is another command's
                set -l first (math (string replace ':command ' '' $answer) + 2)
                complete --do-complete (string join ' ' -- (string escape -- $words[$first..]) $word)
            case '*'
                printf '%s\n' $answer
        end
    end
end
complete --command fob --no-files --arguments '(__fob_candidates)'
