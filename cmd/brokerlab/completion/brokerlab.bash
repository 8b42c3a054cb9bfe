# Completion of brokerlab for bash: source <(brokerlab completion bash)
# The program answers a line for each candidate, and ":KIND PREFIX" for files.

_brokerlab() {
    local rest=${COMP_LINE:0:COMP_POINT} quotes='["'"'"'\\]' kind=nothing prefix=
    local words current piece cut word path slash= i n
    # Words as the program gets them: bash itself breaks them at = and : too, where no
    # space is between.
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if [[ $i -eq 0 || $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            words+=("")
        fi
        [[ $rest == "$piece"* ]] || piece=$rest # the cursor is inside of it
        rest=${rest#"$piece"}
        n=$((${#words[@]} - 1))
        words[n]+=$piece
    done
    current=${words[n]}
    unset "words[n]"
    # What bash takes for earlier words is not part of what it replaces.
    cut=$current
    [[ $piece == [=:]* ]] || cut=${current%"$piece"}
    words=("${words[@]//$quotes/}")
    current=${current//$quotes/}
    cut=${cut//$quotes/}
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ $word == :* ]]; then
            word=${word#:}
            kind=${word%% *}
            prefix=${word#* }
            continue
        fi
        word=${word%%$'\t'*}
        COMPREPLY+=("${word#"$cut"}")
    done < <("${COMP_WORDS[0]}" __complete -- "${words[@]:1}" "$current" 2>/dev/null)
    if [[ $kind == files || $kind == directories ]]; then
        if [[ ${#COMPREPLY[@]} -gt 0 ]]; then
            slash=/ # which bash sets itself where all are names of files
        else
            compopt -o filenames 2>/dev/null
        fi
        path=${current#"$prefix"}
        while IFS= read -r word; do
            [[ -d $word ]] && word+=$slash
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
