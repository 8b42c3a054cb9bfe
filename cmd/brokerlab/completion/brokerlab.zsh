#compdef brokerlab
# Completion of brokerlab for zsh: brokerlab completion zsh > "${fpath[1]}/_brokerlab"
# The program answers a line for each candidate, and ":KIND PREFIX" for files.

_brokerlab() {
    local line word meaning kind=nothing prefix=
    local -a plain plain_shown open open_shown
    for line in "${(@f)$(${(Q)words[1]} __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        if [[ $line == :* ]]; then
            kind=${${line#:}%% *}
            prefix=${line#* }
            continue
        fi
        word=${line%%$'\t'*}
        meaning=${line#*$'\t'}
        [[ -n $meaning ]] && meaning="$word  -- $meaning" || meaning=$word
        if [[ $word == *[=:,] ]]; then
            open+=("$word")
            open_shown+=("$meaning")
        else
            plain+=("$word")
            plain_shown+=("$meaning")
        fi
    done
    (( ${#plain} )) && compadd -l -d plain_shown -- "${plain[@]}"
    (( ${#open} )) && compadd -l -S '' -d open_shown -- "${open[@]}"
    if [[ $kind == files || $kind == directories ]]; then
        [[ -n $prefix ]] && compset -P "${(b)prefix}"
        if [[ $kind == files ]]; then
            _files
        else
            _files -/
        fi
    fi
    return 0
}

if [[ $funcstack[1] == _brokerlab ]]; then
    _brokerlab "$@"
else
    compdef _brokerlab brokerlab
fi
