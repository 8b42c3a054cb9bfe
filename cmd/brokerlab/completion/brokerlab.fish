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
        test $parts[1] = nothing; and continue
        # What fish completes behind a command that it does not know are files, ~ and quotes included.
        set -l path (string sub -s (math (string length -- "$parts[2]") + 1) -- "$current")
        for found in (complete -C "no-such-command $path")
            set -l name (string split -m 1 \t -- $found)[1]
            if test $parts[1] = files; or string match -q '*/' -- $name
                echo "$parts[2]$name"
            end
        end
    end
end

complete -c brokerlab -f -a '(__brokerlab_complete)'
