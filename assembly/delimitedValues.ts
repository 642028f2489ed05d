/** What else the fields of delimited text hold: dates, and texts that occur again and again. See src/arithmetic/delimitedValues.ts. */
const DOUBLED: u32 = 0x80000000;
const OFFSET: u32 = 0x3fffffff;
const DAY: i64 = 86400000;
const SLOTS: u32 = 4096;
const ENTRIES: u32 = 2048;
const LONGEST: u32 = 24;
const ENTRY_SHIFT: u32 = 5;

// @ts-ignore: decorator
@inline
function digitAt(p: u32): u32 {
  return <u32>load<u8>(p) - 48;
}

/** Two digits; a number above 99 where they are none. */
// @ts-ignore: decorator
@inline
function pairAt(p: u32): u32 {
  const ten = digitAt(p);
  const one = digitAt(p + 1);
  return ten < 10 && one < 10 ? ten * 10 + one : 1000;
}

/** Days from 1970-01-01 to a day of the Gregorian calendar (Hinnant, chrono-compatible low-level date algorithms, 2013). */
function daysOf(year: i32, month: i32, day: i32): i32 {
  const y = month <= 2 ? year - 1 : year;
  const era = (y >= 0 ? y : y - 399) / 400;
  const ofEra = y - era * 400;
  const ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719468;
}

// @ts-ignore: decorator
@inline
function daysIn(year: u32, month: u32): u32 {
  if (month == 2) return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** The time that stands from `p` to `end`; NaN where it is not written in the plain way. */
function timeAt(p: u32, end: u32): f64 {
  const length = end - p;
  if (length < 10 || <u32>load<u8>(p, 4) != 45 || <u32>load<u8>(p, 7) != 45) return NaN;
  const century = pairAt(p);
  const ofCentury = pairAt(p + 2);
  const month = pairAt(p + 5);
  const day = pairAt(p + 8);
  if (century > 99 || ofCentury > 99 || month - 1 > 11) return NaN;
  const year = century * 100 + ofCentury;
  if (day - 1 >= daysIn(year, month)) return NaN;
  const days = daysOf(year, month, day);
  if (length == 10) return <f64>(<i64>days * DAY);
  const between = <u32>load<u8>(p, 10);
  if (length < 16 || (between != 32 && (between | 32) != 116) || <u32>load<u8>(p, 13) != 58) return NaN;
  const hour = pairAt(p + 11);
  const minute = pairAt(p + 14);
  if (hour > 24 || minute > 59) return NaN;
  let second: u32 = 0;
  let fraction: f64 = 0;
  p += 16;
  if (p < end && <u32>load<u8>(p) == 58) {
    if (p + 3 > end) return NaN;
    second = pairAt(p + 1);
    if (second > 60) return NaN;
    p += 3;
    if (p < end && (<u32>load<u8>(p) == 46 || <u32>load<u8>(p) == 44)) {
      let whole: u32 = 0;
      let scale: u32 = 1;
      const first = ++p;
      while (p < end && digitAt(p) < 10) {
        if (p - first == 9) return NaN;
        whole = whole * 10 + digitAt(p++);
        scale *= 10;
      }
      if (p == first) return NaN;
      // Both are exact, so this is the double nearest to the fraction.
      fraction = (<f64>whole / <f64>scale) * 1000;
    }
  }
  if (p < end && (<u32>load<u8>(p) | 32) == 122) p++;
  if (p != end) return NaN;
  return <f64>(<i64>days * DAY + <i64>(((hour * 60 + minute) * 60 + second) * 1000)) + fraction;
}

export function delimitedTimes(text: u32, fields: u32, columns: u32, column: u32, from: u32, count: u32, target: u32): u32 {
  let withTime: u32 = 0;
  let field = fields + ((from * columns + column) << 3);
  for (let i: u32 = 0; i < count; i++) {
    const first = load<u32>(field);
    const last = load<u32>(field, 4);
    const end = last & OFFSET;
    const time = last >= DOUBLED ? NaN : timeAt(text + first, text + end);
    store<f64>(target + (i << 3), time);
    if (time == time && end - first > 10) withTime++;
    field += columns << 3;
  }
  return withTime;
}

/** The first `length` (at most 8) bytes at `p`, the others 0. */
// @ts-ignore: decorator
@inline
function lettersAt(p: u32, length: i32): u64 {
  if (length <= 0) return 0;
  const letters = load<u64>(p);
  return length >= 8 ? letters : letters & (((<u64>1) << (length << 3)) - 1);
}

export function delimitedCodes(
  text: u32, fields: u32, columns: u32, column: u32, from: u32, count: u32,
  table: u32, perColumn: u32, most: u32, target: u32,
): void {
  const entries = table + (SLOTS << 1);
  const used = perColumn + (columns << 2);
  const given = perColumn + (column << 2);
  let field = fields + ((from * columns + column) << 3);
  for (let i: u32 = 0; i < count; i++, field += columns << 3) {
    const first = load<u32>(field);
    const last = load<u32>(field, 4);
    const length = (last & OFFSET) - first;
    let code: i32 = -1;
    if (last < DOUBLED && length <= LONGEST) {
      const p = text + first;
      const a = lettersAt(p, length);
      const b = lettersAt(p + 8, <i32>length - 8);
      const c = lettersAt(p + 16, <i32>length - 16);
      const head = (column << 8) | length;
      let hash = (a ^ <u64>head) * 0x9e3779b97f4a7c15;
      hash = (rotl<u64>(hash, 29) ^ b) * 0xbf58476d1ce4e5b9;
      hash = (rotl<u64>(hash, 29) ^ c) * 0x94d049bb133111eb;
      let slot = <u32>(hash >> 52);
      while (true) {
        const known = <u32>load<u16>(table + (slot << 1));
        if (known == 0) {
          const next = load<u32>(used);
          if (next == ENTRIES || load<u32>(given) >= most) break;
          store<u32>(used, next + 1);
          store<u32>(given, load<u32>(given) + 1);
          store<u16>(table + (slot << 1), <u16>(next + 1));
          const entry = entries + (next << ENTRY_SHIFT);
          store<u32>(entry, head);
          store<u64>(entry, a, 8);
          store<u64>(entry, b, 16);
          store<u64>(entry, c, 24);
          code = next;
          break;
        }
        const entry = entries + ((known - 1) << ENTRY_SHIFT);
        if (load<u32>(entry) == head && load<u64>(entry, 8) == a && load<u64>(entry, 16) == b && load<u64>(entry, 24) == c) {
          code = known - 1;
          break;
        }
        slot = (slot + 1) & (SLOTS - 1);
      }
    }
    store<i32>(target + (i << 2), code);
  }
}
