# Made from the option table by: superlifter help --completion bash
_superlifter() {
    local word=${COMP_WORDS[COMP_CWORD]} options
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'push pull compare list serve explain help --version' -- "$word")
        return
    fi
    case ${COMP_WORDS[1]} in
    push)
        options='--dry-run --checksum --size-only --ignore-times --update --existing --ignore-existing --exclude --include --exclude-from --include-from --filter --no-perms --no-times --no-owner --no-group --no-links --no-devices --no-hard-links --numeric-ids --omit-dir-times --delete --delete-before --delete-excluded --max-delete --force --delete-from-empty --mkpath --no-partial --partial-dir --sparse --inplace --append-verify --no-detect-renames --fuzzy -z --compress --whole-file --block-size --refine --checksum-choice --bwlimit --timeout --connect-timeout --retry --rsh --remote-path --ssh-pipes --via --ipv4 --ipv6 --address --verbose --quiet --itemize-changes --out-format --progress --log-file --log-file-format --stats --json --human-readable --help --version' ;;
    pull)
        options='--dry-run --checksum --size-only --ignore-times --update --existing --ignore-existing --exclude --include --exclude-from --include-from --filter --no-perms --no-times --no-owner --no-group --no-links --no-devices --no-hard-links --numeric-ids --omit-dir-times --delete --delete-before --delete-excluded --max-delete --force --delete-from-empty --mkpath --no-partial --partial-dir --sparse --inplace --append-verify --no-detect-renames --fuzzy -z --compress --whole-file --block-size --refine --checksum-choice --bwlimit --timeout --connect-timeout --retry --rsh --remote-path --ssh-pipes --via --ipv4 --ipv6 --address --verbose --quiet --itemize-changes --out-format --progress --log-file --log-file-format --stats --json --list-only --human-readable --help --version' ;;
    compare)
        options='--checksum --size-only --ignore-times --update --existing --ignore-existing --exclude --include --exclude-from --include-from --filter --no-perms --no-times --no-owner --no-group --no-links --no-devices --no-hard-links --numeric-ids --omit-dir-times --delete -z --compress --checksum-choice --bwlimit --timeout --connect-timeout --retry --rsh --remote-path --ssh-pipes --via --ipv4 --ipv6 --address --verbose --quiet --itemize-changes --out-format --progress --log-file --log-file-format --stats --json --human-readable --help --version' ;;
    list)
        options='--exclude --include --exclude-from --include-from --filter -z --compress --checksum-choice --bwlimit --timeout --connect-timeout --retry --rsh --remote-path --ssh-pipes --via --ipv4 --ipv6 --address --verbose --quiet --progress --log-file --stats --json --list-only --human-readable --help --version' ;;
    serve)
        options='--timeout --verbose --log-file --human-readable --help --version --inetd --listen --root --read-only --append-only --as --unconfined --config --check-config --uid --gid --insecure --max-connections --handshake-timeout' ;;
    explain)
        options='--connect-timeout --rsh --remote-path --ssh-pipes --via --ipv4 --ipv6 --address --verbose --human-readable --help --version' ;;
    help)
        options='--verbose --human-readable --help --version --manual --completion' ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif [[ ${COMP_WORDS[1]} == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'push pull compare list serve explain help' -- "$word")
    fi
}
complete -o default -o bashdefault -F _superlifter superlifter
