/// Scripts that write a LUN's file and a model of it, and read both back.
///
/// `F` is the LUN, `R` the model, `S` their size in bytes.
enum Patterns {
  /// Pieces of 1 byte to 1 MiB, aligned or not, through the page cache and past it.
  static let integrity = """
    set -e
    head -c $S /dev/urandom > $R
    dd if=$R of=$F bs=1M conv=notrunc,fsync status=none
    cmp $F $R
    n=0
    for bs in 1 2 511 512 513 4095 4096 4097 65535 65536 65537 262143 1048575 1048576; do
      for direct in "" ,direct; do
        n=$((n + 1))
        at=$((n * 7919 * 613 % (S - bs)))
        [ $((n % 3)) -ne 0 ] || at=$((at / 4096 * 4096))
        head -c $bs /dev/urandom > $R.piece
        for to in $F $R; do
          flags=seek_bytes; [ $to = $R ] || flags=$flags$direct
          dd if=$R.piece of=$to bs=$bs count=1 seek=$at oflag=$flags iflag=fullblock \\
            conv=notrunc,fsync status=none
        done
        dd if=$F bs=$bs count=1 skip=$at iflag=skip_bytes$direct,fullblock status=none |
          cmp - $R.piece
      done
    done
    cmp $F $R
    dd if=$F bs=1M iflag=direct status=none | cmp - $R
    sync -d $F
    md5sum < $R
    """

  /// All of the LUN in four streams of direct writes, each write as large as a quarter.
  static let big = """
    set -e
    head -c $S /dev/urandom > $R
    quarter=$((S / 4))
    pids=
    for part in 0 1 2 3; do
      dd if=$R of=$F bs=$quarter skip=$part seek=$part count=1 oflag=direct iflag=fullblock \\
        conv=notrunc,fsync status=none & pids="$pids $!"
    done
    for pid in $pids; do wait $pid; done
    dd if=$F bs=$S count=1 iflag=direct,fullblock status=none | cmp - $R
    md5sum < $R
    """

  /// All of the LUN three times, by sixteen writers of 32 KiB at once, then by sixteen readers.
  static let streams = """
    set -e
    part=$((S / 16))
    for round in 1 2 3; do
      head -c $S /dev/urandom > $R
      pids=
      for n in $(seq 0 15); do
        dd if=$R of=$F bs=32k skip=$((part * n)) seek=$((part * n)) count=$((part / 32768)) \\
          oflag=direct,seek_bytes iflag=skip_bytes,fullblock conv=notrunc,fsync status=none &
        pids="$pids $!"
      done
      for pid in $pids; do wait $pid; done
      pids=
      for n in $(seq 0 15); do
        dd if=$F bs=32k skip=$((part * n)) count=$((part / 32768)) \\
          iflag=direct,skip_bytes,fullblock status=none |
          cmp -n $part -i 0:$((part * n)) - $R & pids="$pids $!"
      done
      for pid in $pids; do wait $pid; done
    done
    md5sum < $R
    """

  /// `S` bytes at the beginning, written and read past the cache, then read in odd pieces.
  static let short = """
    set -e
    head -c $S /dev/urandom > $R
    dd if=$R of=$F bs=$S oflag=direct conv=notrunc,fsync status=none
    dd if=$F bs=$S count=1 iflag=direct status=none | cmp - $R
    dd if=$F bs=4097 count=$((S / 4097)) status=none | cmp -n $((S / 4097 * 4097)) - $R
    """
}
