// Options about how bytes travel between the two ends.

extension OptionTable {
    static let wire: [Option] = [
        Option(
            nil, "z", nil, .built(.compressDefault), negated: .built(.compressDefault), for: .client, in: .wire,
            common: true,
            "compress what is sent (the same as --compress zstd)"),
        Option(
            "compress", nil, "METHOD", .built(.compress), negated: .built(.compressDefault), for: .client, in: .wire,
            "auto (the default), none, zstd[:LEVEL] or zlib[:LEVEL]",
            """
            auto measures the stream and the processor while it runs, and chooses for each frame: nothing on a fast \
            stream, zstd on a slow one, at the highest level that never holds the stream up. Levels are 1 to 19 for \
            zstd (if none is given, 3, and 5 for what differs within files) and 1 to 9 for zlib (6). What does not \
            shrink is sent as it is; no list of suffixes is needed for that. The last of several -z, --compress and \
            --no-compress counts. A METHOD is required: where rsync has a bare --compress, write -z. Between two \
            places of one machine nothing is ever compressed.
            """),
        Option(
            "whole-file", "W", nil, .built(.wholeFile), negated: .built(.wholeFile), for: .changing, in: .wire,
            "send changed files whole",
            """
            Otherwise the receiver tells short hashes of the blocks of what it has, and of a changed file only those \
            parts travel that are not in it. Between two places of one machine files go whole, since reading both \
            versions costs more than copying one; --no-whole-file finds the difference there, too. Small files (below \
            1 KiB at either end) always go whole, and so does a file of which the destination has more than sixteen \
            times as much.
            """),
        Option(
            "block-size", "B", "SIZE", .built(.blockSize), for: .changing, in: .wire,
            "the block size for finding differences",
            """
            64 to 16777216 bytes, also as 4K or 1M. By default it is chosen for each file, about the square root of \
            its size. A file so large that its blocks would be too many gets larger ones.
            """),
        Option(
            "refine", nil, "WHEN", .built(.refine), for: .changing, in: .wire,
            "look closer where blocks differ: auto, always or never",
            """
            Where a block is not found in the other version, its place there is told once more in smaller blocks, so \
            that a small change in a large file costs about its own size. That takes another question and answer; \
            auto (the default) asks where the bytes it saves take the stream longer.
            """),
        Option(
            "checksum-choice", nil, "NAME", .built(.checksumChoice), negated: .accepted("the default"), for: .client,
            in: .wire, "digest contents with xxh3 (the default) or sha256",
            """
            Every file that was sent is digested at both ends before it gets its name, and so are the files that \
            --checksum compares. xxh3 is as fast as memory and guards against bad luck. sha256 also guards against \
            files that somebody has made to look alike; its first 128 bits count, under a key that each session makes \
            anew. Each GiB takes half a second of a processor with instructions for it and three seconds of another, \
            and both ends need libcrypto (of OpenSSL): where it is not there, exit code 4. What a digest of the whole \
            file stands behind, such as the short hashes of blocks, stays xxh3. rsync's xxh128 is the same as xxh3, \
            and so is auto.
            """),
        Option(
            "bwlimit", nil, "RATE", .built(.bwlimit), negated: .accepted("the default"), for: .client, in: .wire,
            "send no faster than RATE KiB a second, in either direction",
            """
            RATE may have a fraction and a unit: 1.5m is 1.5 MiB a second, 500KB is 500,000 bytes, 800B is 800 bytes (512 \
            is the least); 0 is no limit. All bytes of the stream count, after compression; what ssh adds does not. The \
            rate is kept evenly, within each second. Both ends keep to it, and a server may have a lower limit of its \
            own. Between two places of one machine there is no stream, and no limit.
            """),
        Option(
            "timeout", nil, "SECONDS", .built(.timeout), for: [.client, .serve], in: .wire,
            "give up after SECONDS without a byte from the peer (300; 0 is never)",
            """
            The two ends ask each other for a sign of life, so a busy peer is never taken for a dead one. Exit code 30. \
            Each end has its own time, and a client may shorten a server's.
            """
        ),
        Option(
            "connect-timeout", nil, "SECONDS", .built(.connectTimeout), for: .connecting, in: .wire,
            "give up after SECONDS without a finished handshake",
            "The default is 30 for sockets and 300 where ssh may be asking for a password. Exit code 35."),
        Option(
            "retry", nil, "N", .built(.retry), negated: .accepted("the default"), for: .client, in: .wire,
            "connect again up to N times after a lost session",
            """
            The job is repeated in a new session; what is done already is found to be the same. Before each attempt \
            the reason and the delay are said on standard error: about one second at first, e times as long each time, \
            at most an hour; one second again after a session that got something done. Not repeated are wrong usage, \
            refusals, errors of files, and an interrupt. A first connection through ssh or another program is not \
            repeated either, since its failing may mean a refused key. The exit code is that of the last attempt.
            """),
    ]
}
