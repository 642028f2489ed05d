/**
 * Rows of delimited text: one pass over the bytes finds the fields and reads the numbers in them. The arguments are those of
 * src/arithmetic/delimitedRows.ts. The byte behind the text becomes a line feed meanwhile, so that no loop asks for the end.
 *
 * A number of at most 19 digits is m·10^e, m a whole number of 64 bits. It is correctly rounded: by one multiplication or division
 * where it has at most 15 digits and |e| <= 22 (Clinger 1990), else for |e| <= 64 by the first 128 bits of m·5^e (Lemire, Number parsing
 * at a gigabyte per second, 2021). Others are left to the caller.
 */
const LINE_FEED: u32 = 10;
const CARRIAGE_RETURN: u32 = 13;
const SPACE: u32 = 32;
const QUOTE: u32 = 34;
const DOUBLED: u32 = 0x80000000;
const HARD: u32 = 0x40000000;
const MORE: u32 = 0;
const FULL: u32 = 1;
const FEW: u32 = 2;
const MANY: u32 = 3;
const BEHIND_QUOTE: u32 = 4;
const OPEN: u32 = 5;
const MOST_POWER: i32 = 64;
/** Bytes of the exact powers of ten, which the powers of five follow. */
const POWERS_OF_FIVE: u32 = 192;

/** What `readNumber` left: the byte behind the number, its value, and whether it is one that is left to the caller. */
let numberEnd: u32 = 0;
let number: f64 = 0;
let isHard: bool = false;

// @ts-ignore: decorator
@inline
function highProduct(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/** m·10^e for m > 0 and |e| <= 64, correctly rounded; NaN in the rare case that 128 bits do not tell. */
function roundedProduct(m: u64, e: i32, powers: u32): f64 {
  const power = powers + POWERS_OF_FIVE + (<u32>(e + MOST_POWER) << 4);
  const zeros = clz(m);
  const w = m << zeros;
  const five = load<u64>(power);
  let high = highProduct(w, five);
  let low = w * five;
  if ((high & 0x1ff) == 0x1ff) {
    const rest = highProduct(w, load<u64>(power, 8));
    low += rest;
    if (low < rest) high++;
    if (low == u64.MAX_VALUE) return NaN;
  }
  const upper = high >> 63;
  let mantissa = high >> (upper + 9);
  let exponent = <i64>((217706 * e) >> 16) + 63 + <i64>upper - <i64>zeros + 1023;
  // Halfway between two doubles: to the even one.
  if (low <= 1 && e >= -4 && e <= 23 && (mantissa & 3) == 1 && mantissa << (upper + 9) == high) mantissa &= ~1;
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= <u64>1 << 53) {
    mantissa = <u64>1 << 52;
    exponent++;
  }
  return reinterpret<f64>((mantissa & ~(<u64>1 << 52)) | (<u64>exponent << 52));
}

// @ts-ignore: decorator
@inline
function isSpace(letter: u32, delimiter: u32): bool {
  return (letter == SPACE || letter == 9) && letter != delimiter;
}

/** Zeros that a number begins with, before and behind its point. */
function zerosAt(p: u32): u32 {
  let zeros: u32 = 0;
  let letter = <u32>load<u8>(p);
  while (letter == 48 || letter == 46) {
    if (letter == 48) zeros++;
    letter = <u32>load<u8>(++p);
  }
  return zeros;
}

/** Reads the number at `p`, spaces around it too. False when there is none, whatever may follow it. */
// @ts-ignore: decorator
@inline
function readNumber(p: u32, delimiter: u32, powers: u32): bool {
  let letter = <u32>load<u8>(p);
  while (isSpace(letter, delimiter)) letter = <u32>load<u8>(++p);
  // Signs come at random: nothing is decided by them.
  const negative = <u64>(letter == 45);
  p += <u32>(letter == 45) | <u32>(letter == 43);
  letter = <u32>load<u8>(p);
  // Most whole parts are short, most fractions are not.
  let m: u64 = 0;
  const first = p;
  let digits = p;
  let digit = letter - 48;
  while (digit < 10) {
    m = m * 10 + digit;
    digit = <u32>load<u8>(++p) - 48;
  }
  digits = p - digits;
  let e: i32 = 0;
  if (digit == <u32>(46 - 48)) {
    const point = ++p;
    let count: u32;
    do {
      let eight = load<u64>(p) ^ 0x3030303030303030;
      const others = (((eight & 0x7f7f7f7f7f7f7f7f) + 0x7676767676767676) | eight) & 0x8080808080808080;
      count = others == 0 ? 8 : <u32>ctz(others) >> 3;
      // The digits become the last of eight, pairs, fours and all of which are then put together. None are a shift by 64 bits,
      // which takes two, and less time than asking whether there are any.
      eight = (eight << ((8 - count) << 2)) << ((8 - count) << 2);
      eight = (eight * 10 + (eight >> 8)) & 0x00ff00ff00ff00ff;
      eight = (eight * 100 + (eight >> 16)) & 0x0000ffff0000ffff;
      eight = (eight * 10000 + (eight >> 32)) & 0xffffffff;
      m = m * <u64>load<f64>(powers + (count << 3)) + eight;
      p += count;
    } while (count == 8);
    e = <i32>(point - p);
    digits += p - point;
    digit = <u32>load<u8>(p) - 48;
  }
  if (digits == 0) return false;
  letter = digit + 48;
  if ((letter | 32) == 101) {
    letter = <u32>load<u8>(++p);
    const below = letter == 45;
    if (below || letter == 43) letter = <u32>load<u8>(++p);
    digit = letter - 48;
    if (digit >= 10) return false;
    let power: i32 = 0;
    while (digit < 10) {
      if (power < 100000) power = power * 10 + digit;
      digit = <u32>load<u8>(++p) - 48;
    }
    e += below ? -power : power;
    letter = digit + 48;
  }
  while (isSpace(letter, delimiter)) letter = <u32>load<u8>(++p);
  numberEnd = p;
  isHard = false;
  let x: f64 = 0;
  if (digits > 19) digits -= zerosAt(first);
  // Asking whether m < 2^53 would be guessing for numbers written in full, of 15 to 17 digits.
  if (digits <= 15 && e >= -22 && e <= 22) {
    x = <f64>m;
    if (e < 0) x /= load<f64>(powers + (<u32>-e << 3));
    else x *= load<f64>(powers + (<u32>e << 3));
  } else if (digits > 19) isHard = true;
  else if (m == 0) x = 0;
  else if (e >= -MOST_POWER && e <= MOST_POWER) {
    x = roundedProduct(m, e, powers);
    isHard = x != x;
  } else isHard = true;
  number = isHard ? NaN : reinterpret<f64>(reinterpret<u64>(x) ^ (negative << 63));
  return true;
}

/** The delimiter or line break at which text without quotes ends. Looks at 16 bytes at once. */
// @ts-ignore: decorator
@inline
function endOfText(p: u32, delimiters: v128): u32 {
  while (true) {
    const letters = v128.load(p);
    const found = v128.or(
      i8x16.eq(letters, delimiters),
      v128.or(i8x16.eq(letters, i8x16.splat(<i8>LINE_FEED)), i8x16.eq(letters, i8x16.splat(<i8>CARRIAGE_RETURN))),
    );
    const places = <u32>i8x16.bitmask(found);
    if (places == 0) {
      p += 16;
      continue;
    }
    p += ctz(places);
    // A carriage return alone is a letter.
    if (<u32>load<u8>(p) != CARRIAGE_RETURN || <u32>load<u8>(p + 1) == LINE_FEED) return p;
    p++;
  }
}

// @ts-ignore: decorator
@inline
function finish(status: u32, result: u32, done: u32, consumed: u32, lines: u32, fields: u32): u32 {
  store<u32>(result, done);
  store<u32>(result, consumed, 4);
  store<u32>(result, lines, 8);
  store<u32>(result, fields, 12);
  return status;
}

function scanRows(
  text: u32, from: u32, end: u32, last: u32, delimiter: u32, columns: u32, mostRows: u32,
  fields: u32, values: u32, rows: u32, powers: u32, result: u32,
): u32 {
  const delimiters = i8x16.splat(<i8>delimiter);
  let p = text + from;
  let lines: u32 = 0;
  let done: u32 = 0;
  while (true) {
    // Empty lines.
    while (true) {
      if (p >= end) return finish(MORE, result, done, end - text, lines, 0);
      const letter = <u32>load<u8>(p);
      if (letter == LINE_FEED) p++;
      else if (letter == CARRIAGE_RETURN && <u32>load<u8>(p + 1) == LINE_FEED) {
        if (p + 1 == end && !last) return finish(MORE, result, done, p - text, lines, 0);
        p += 2;
      } else break;
      lines++;
    }
    const start = p;
    if (done == mostRows) return finish(FULL, result, done, start - text, lines, 0);
    let inner: u32 = 0;
    for (let column: u32 = 0; ; column++) {
      let first = p;
      let flags: u32 = 0;
      let value: f64 = NaN;
      let behind: u32;
      let letter = <u32>load<u8>(p);
      if (letter == QUOTE) {
        first = ++p;
        if (readNumber(p, delimiter, powers) && <u32>load<u8>(numberEnd) == QUOTE && <u32>load<u8>(numberEnd + 1) != QUOTE) {
          p = numberEnd;
          value = number;
          flags = isHard ? HARD : 0;
        } else {
          while (true) {
            letter = <u32>load<u8>(p);
            if (letter == QUOTE) {
              if (p + 1 >= end || <u32>load<u8>(p + 1) != QUOTE) break;
              flags = DOUBLED;
              p++;
            } else if (letter == LINE_FEED) {
              if (p == end) return finish(last ? OPEN : MORE, result, done, start - text, lines, column);
              inner++;
            }
            p++;
          }
        }
        behind = p++;
        // What follows may be a second quote.
        if (p >= end && !last) return finish(MORE, result, done, start - text, lines, 0);
        letter = <u32>load<u8>(p);
      } else {
        let isNumber = readNumber(p, delimiter, powers);
        if (isNumber) {
          letter = <u32>load<u8>(numberEnd);
          isNumber = letter == delimiter || letter == LINE_FEED || (letter == CARRIAGE_RETURN && <u32>load<u8>(numberEnd + 1) == LINE_FEED);
        }
        if (isNumber) {
          p = numberEnd;
          value = number;
          flags = isHard ? HARD : 0;
        } else {
          p = endOfText(p, delimiters);
          letter = <u32>load<u8>(p);
        }
        behind = p;
      }
      if (column >= columns) return finish(MANY, result, done, start - text, lines, column);
      const slot = done * columns + column;
      store<u32>(fields + (slot << 3), first - text);
      store<u32>(fields + (slot << 3), (behind - text) | flags, 4);
      store<f64>(values + (slot << 3), value);
      if (letter == delimiter) {
        p++;
        if (p == end && !last) return finish(MORE, result, done, start - text, lines, 0);
        continue;
      }
      let length: u32 = 0;
      if (letter == LINE_FEED) length = 1;
      else if (letter == CARRIAGE_RETURN && <u32>load<u8>(p + 1) == LINE_FEED) length = 2;
      // The line feed behind the end is not of the text.
      if (p + length > end && !last) return finish(MORE, result, done, start - text, lines, 0);
      if (length == 0) return finish(BEHIND_QUOTE, result, done, start - text, lines, column);
      if (column + 1 < columns) return finish(FEW, result, done, start - text, lines, column + 1);
      store<u32>(rows + (done << 2), lines);
      done++;
      lines += inner + (p < end ? 1 : 0);
      p = min<u32>(p + length, end);
      break;
    }
  }
}

export function delimitedRows(
  text: u32, from: u32, to: u32, last: u32, delimiter: u32, columns: u32, mostRows: u32,
  fields: u32, values: u32, rows: u32, powers: u32, result: u32,
): u32 {
  const end = text + to;
  const kept = load<u8>(end);
  store<u8>(end, <u8>LINE_FEED);
  const status = scanRows(text, from, end, last, delimiter, columns, mostRows, fields, values, rows, powers, result);
  store<u8>(end, kept);
  return status;
}
