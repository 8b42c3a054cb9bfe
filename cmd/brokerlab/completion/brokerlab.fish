# Completion of brokerlab for fish: brokerlab completion fish > ~/.config/fish/completions/brokerlab.fish
# The program answers a line for each candidate, and ":KIND PREFIX" for files.

function __brokerlab_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        if not string match -q ':*' -- $line
            string trim --right -- $line
            continue
        end
        set -l parts (string split -m 1 ' ' -- (string sub -s 2 -- $line))
        set -l path (string sub -s (math (string length -- "$parts[2]") + 1) -- "$current")
        for found in $path*
            if test -d $found
                echo "$parts[2]$found/"
            else if test $parts[1] = files
                echo "$parts[2]$found"
            end
        end | if test $parts[1] = nothing
            cat >/dev/null
        else
            cat
        end
    end
end

complete -c brokerlab -f -a '(__brokerlab_complete)'
