/**
 * Copies rows from a block into bucket slots, in the order given, until a slot is full.
 *
 * base      address of the block; row r lies at base + r·rowBytes
 * order     u32 row numbers; rows order[from..to) are copied; 0: rows from..to as they lie
 * buckets   u32 bucket number of each position of `order` (parallel to it)
 * cursors   u32 per bucket: address where its next row goes
 * limits    u32 per bucket: the cursor value at which its slot is full
 * returns   the first position not copied because its bucket's slot is full, or `to`
 */
export function scatterRows(
  base: u32,
  rowBytes: u32,
  order: u32,
  buckets: u32,
  from: u32,
  to: u32,
  cursors: u32,
  limits: u32,
): u32 {
  for (let i = from; i < to; i++) {
    const bucket = load<u32>(buckets + (i << 2));
    const cursor = load<u32>(cursors + (bucket << 2));
    if (cursor >= load<u32>(limits + (bucket << 2))) return i;
    const row = order == 0 ? i : load<u32>(order + (i << 2));
    memory.copy(cursor, base + row * rowBytes, rowBytes);
    store<u32>(cursors + (bucket << 2), cursor + rowBytes);
  }
  return to;
}
