/**
 * CRC32C (Castagnoli, polynomial 0x1EDC6F41 reflected), sixteen table look-ups for sixteen bytes (slicing: Kounavis &
 * Berry 2005).
 */

/** Fills the sixteen tables of 256 u32 at `tables`: table t is the effect of a byte that t more bytes follow. */
export function fillChecksumTables(tables: u32): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    store<u32>(tables + (byte << 2), crc);
  }
  for (let entry: u32 = 256; entry < 4096; entry++) {
    const before = load<u32>(tables + ((entry - 256) << 2));
    store<u32>(tables + (entry << 2), (before >>> 8) ^ load<u32>(tables + ((before & 255) << 2)));
  }
}

// @ts-ignore: decorator
@inline
function look(tables: u32, table: u32, byte: u32): u32 {
  return load<u32>(tables + (table << 10) + ((byte & 255) << 2));
}

/** The four bytes of a word, the first of which `table` more bytes follow. */
// @ts-ignore: decorator
@inline
function lookWord(tables: u32, table: u32, word: u32): u32 {
  return (
    look(tables, table, word) ^
    look(tables, table - 1, word >>> 8) ^
    look(tables, table - 2, word >>> 16) ^
    look(tables, table - 3, word >>> 24)
  );
}

/** The checksum of what has the checksum `previous` (0: nothing) followed by the `bytes` bytes at `address`. */
export function continueChecksum(tables: u32, address: u32, bytes: u32, previous: u32): u32 {
  let crc = ~previous;
  const end = address + bytes;
  const whole = address + (bytes & ~15);
  while (address < whole) {
    // The last three words do not wait for the checksum so far.
    const rest =
      lookWord(tables, 11, load<u32>(address, 4)) ^
      lookWord(tables, 7, load<u32>(address, 8)) ^
      lookWord(tables, 3, load<u32>(address, 12));
    crc = lookWord(tables, 15, load<u32>(address) ^ crc) ^ rest;
    address += 16;
  }
  while (address < end) {
    crc = (crc >>> 8) ^ look(tables, 0, crc ^ <u32>load<u8>(address));
    address++;
  }
  return ~crc;
}

/**
 * The checksum of each strip of `stripBytes` bytes (the last may be shorter) of the `bytes` bytes at `address`: one u32
 * each, one after the other, at `target`.
 */
export function checksumStrips(tables: u32, address: u32, bytes: u32, stripBytes: u32, target: u32): void {
  for (let from: u32 = 0; from < bytes; from += stripBytes) {
    store<u32>(target, continueChecksum(tables, address + from, min<u32>(stripBytes, bytes - from), 0));
    target += 4;
  }
}
