/** Rows of LIBSVM text, written as records of sparse rows. The arguments are those of src/arithmetic/libsvmRows.ts. */
const TAB: u32 = 9;
const NEWLINE: u32 = 10;
const RETURN: u32 = 13;
const SPACE: u32 = 32;
const HASH: u32 = 35;
const POINT: u32 = 46;
const COLON: u32 = 58;
const HEADER_WORDS: u32 = 3;
const EXACT_DIGITS: u32 = 15;
const MORE: u32 = 0;
const FULL: u32 = 1;
const HARD: u32 = 2;

/** What `readValue` left: the byte behind the number, and the number. */
let valueEnd: u32 = 0;
let value: f64 = 0;

// @ts-ignore: decorator
@inline
function isBlank(letter: u32): bool {
  return letter == SPACE || letter == TAB || letter == RETURN;
}

/** Reads a number of at most 15 digits, with no exponent, that ends where a word does; false for all others. */
// @ts-ignore: decorator
@inline
function readValue(p: u32, powers: u32): bool {
  let letter = <u32>load<u8>(p);
  const negative = <u64>(letter == 45);
  p += <u32>(letter == 45) | <u32>(letter == 43);
  let whole: u64 = 0;
  const first = p;
  letter = <u32>load<u8>(p);
  while (letter - 48 < 10) {
    whole = whole * 10 + (letter - 48);
    letter = <u32>load<u8>(++p);
  }
  let digits = p - first;
  let decimals: u32 = 0;
  if (letter == POINT) {
    const point = ++p;
    letter = <u32>load<u8>(p);
    while (letter - 48 < 10) {
      whole = whole * 10 + (letter - 48);
      letter = <u32>load<u8>(++p);
    }
    decimals = p - point;
    digits += decimals;
  }
  if (digits == 0 || digits > EXACT_DIGITS || !(isBlank(letter) || letter == NEWLINE || letter == HASH)) return false;
  valueEnd = p;
  // Both are exact, so the quotient is the double nearest to the number.
  let x = <f64>whole;
  if (decimals > 0) x /= load<f64>(powers + (decimals << 3));
  value = reinterpret<f64>(reinterpret<u64>(x) ^ (negative << 63));
  return true;
}

// @ts-ignore: decorator
@inline
function recordWords(nonzeros: u32, dtype: u32): u32 {
  const values = dtype == 0 ? (nonzeros + 3) >> 2 : dtype == 2 ? nonzeros : nonzeros << 1;
  return HEADER_WORDS + nonzeros + values;
}

export function libsvmRows(
  text: u32, from: u32, to: u32, zero: u32, features: u32, dtype: u32,
  records: u32, mostWords: u32, values: u32, mostValues: u32, rows: u32, mostRows: u32, powers: u32, result: u32,
): u32 {
  const end = text + to;
  let p = text + from;
  let done: u32 = 0;
  let lines: u32 = 0;
  let word: u32 = 0;
  let used: u32 = 0;
  let largest: u32 = 0;
  let longest: u32 = 0;
  let allBytes: u32 = 1;
  let status = MORE;
  while (p < end) {
    const start = p;
    let letter = <u32>load<u8>(p);
    while (isBlank(letter)) letter = <u32>load<u8>(++p);
    if (letter == NEWLINE || letter == HASH) {
      while (<u32>load<u8>(p) != NEWLINE) p++;
      p++;
      lines++;
      continue;
    }
    let count: u32 = 0;
    let last: u32 = 0;
    let before: i64 = -1;
    let bytes: u32 = 1;
    status = done == mostRows ? FULL : HARD;
    if (status == FULL || !readValue(p, powers)) {
      p = start;
      break;
    }
    const label = value;
    p = valueEnd;
    const indices = word + HEADER_WORDS;
    while (true) {
      letter = <u32>load<u8>(p);
      while (isBlank(letter)) letter = <u32>load<u8>(++p);
      if (letter == HASH) while (letter != NEWLINE) letter = <u32>load<u8>(++p);
      if (letter == NEWLINE) {
        status = MORE;
        break;
      }
      const word = p;
      let index: u64 = 0;
      while (letter - 48 < 10) {
        index = index * 10 + (letter - 48);
        letter = <u32>load<u8>(++p);
      }
      if (letter != COLON || p == word || p - word > 10 || <i64>index <= before) break;
      before = <i64>index;
      if (!readValue(p + 1, powers)) break;
      p = valueEnd;
      if (value == 0) continue;
      index -= <u64>zero;
      if (<i64>index < 0 || index >= <u64>features) break;
      if (used + count == mostValues || indices + count >= mostWords) {
        status = FULL;
        break;
      }
      last = <u32>index + 1;
      bytes &= <u32>(value >= 0) & <u32>(value <= 255) & <u32>(floor(value) == value);
      store<u32>(records + ((indices + count) << 2), <u32>index);
      store<f64>(values + ((used + count) << 3), value);
      count++;
    }
    const next = word + recordWords(count, dtype);
    if (status == MORE && next > mostWords) status = FULL;
    if (status == MORE && dtype == 0 && bytes == 0) status = HARD;
    if (status != MORE) {
      // A row that is too long by itself is for others to read.
      if (done == 0) status = HARD;
      p = start;
      break;
    }
    const record = records + (word << 2);
    store<u32>(record, count);
    store<f64>(record, label, 4);
    let target = record + ((HEADER_WORDS + count) << 2);
    if (dtype == 0) {
      if (count > 0) store<u32>(records + ((next - 1) << 2), 0);
      for (let i: u32 = 0; i < count; i++) store<u8>(target + i, <u8>load<f64>(values + ((used + i) << 3)));
    } else if (dtype == 2)
      for (let i: u32 = 0; i < count; i++) store<f32>(target + (i << 2), <f32>load<f64>(values + ((used + i) << 3)));
    else for (let i: u32 = 0; i < count; i++) store<f64>(target + (i << 3), load<f64>(values + ((used + i) << 3)));
    const row = rows + done * 12;
    store<u32>(row, word);
    store<u32>(row, used, 4);
    store<u32>(row, lines, 8);
    done++;
    lines++;
    p++;
    word = next;
    used += count;
    allBytes &= bytes;
    if (last > largest) largest = last;
    if (count > longest) longest = count;
  }
  store<u32>(result, done);
  store<u32>(result, p - text, 4);
  store<u32>(result, lines, 8);
  store<u32>(result, word, 12);
  store<u32>(result, used, 16);
  store<u32>(result, largest, 20);
  store<u32>(result, longest, 24);
  store<u32>(result, allBytes, 28);
  return status;
}
