# Completion of brokerlab for bash: source <(brokerlab completion bash)
# The program answers a line for each candidate, and ":KIND PREFIX" for files.

_brokerlab() {
    local line=${COMP_LINE:0:COMP_POINT} words current cut= breaks= word rest kind=nothing prefix= path
    # Words as the program gets them: bash itself breaks them at = and : too.
    line=${line#"${line%%[![:space:]]*}"}
    read -ra words <<<"$line"
    current=
    if [[ -n $line && $line != *[[:space:]] ]]; then
        current=${words[-1]}
        unset 'words[-1]'
    fi
    # What bash takes for earlier words is not part of what it replaces.
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
    if [[ -n $breaks && $current == *[$breaks]* ]]; then
        cut=${current%"${current##*[$breaks]}"}
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ $word == :* ]]; then
            rest=${word#:}
            kind=${rest%% *}
            prefix=${rest#* }
            continue
        fi
        word=${word%%$'\t'*}
        COMPREPLY+=("${word#"$cut"}")
    done < <("${COMP_WORDS[0]}" __complete -- "${words[@]:1}" "$current" 2>/dev/null)
    if [[ $kind == files || $kind == directories ]]; then
        [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o filenames 2>/dev/null
        path=${current#"$prefix"}
        while IFS= read -r word; do
            [[ -d $word ]] && [[ ${#COMPREPLY[@]} -gt 0 ]] && word+=/
            word=$prefix$word
            COMPREPLY+=("${word#"$cut"}")
        done < <(compgen "$([[ $kind == files ]] && echo -f || echo -d)" -- "$path")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:,/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}

complete -F _brokerlab brokerlab
