import type { DatePart } from '../../../data/columns/columnMapping.js';
import type { GraphBuilder, Value } from './graphBuilder.js';

const DAYS_OF_ERA = 146_097;
/** From 1 March of the year −400, where an era of 400 years begins, to 1970: so that no date of a table is negative. */
const DAYS_BEFORE_1970 = 719_468 + DAYS_OF_ERA;
const SECONDS_OF_DAY = 86_400;

/**
 * Parts of dates given as seconds since 1970 in UTC, as doubles [rows, 1]; anything where `missing` is true. The calendar is
 * worked out in whole numbers, year by year from March to February, so that the leap day is the last one (Hinnant,
 * "chrono-compatible low-level date algorithms"). Dates from the year 0 on.
 */
export function dateParts(
  graph: GraphBuilder,
  seconds: Value,
  missing: Value,
  parts: readonly DatePart[],
): Value[] {
  const whole = (operation: string, a: Value, b: Value | number) =>
    graph.add(operation, [a, typeof b === 'number' ? graph.integers([b]) : b]);
  const divide = (a: Value, b: number) => whole('Div', a, b);
  const times = (a: Value, b: number) => whole('Mul', a, b);
  const plus = (a: Value, b: Value | number) => whole('Add', a, b);
  const minus = (a: Value, b: Value | number) => whole('Sub', a, b);
  const rest = (a: Value, b: number) => whole('Mod', a, b);
  const cast = (value: Value, type: 'float64' | 'int64') => graph.cast(value, type);

  // Doubles also where floats are computed with.
  const zero = cast(graph.scalar(0), 'float64');
  const known = graph.add('Where', [missing, zero, seconds]);
  const milliseconds = cast(graph.add('Mul', [known, cast(graph.scalar(1000), 'float64')]), 'int64');
  const since = divide(plus(milliseconds, DAYS_BEFORE_1970 * SECONDS_OF_DAY * 1000), 1000);
  const days = divide(since, SECONDS_OF_DAY);
  const ofDay = rest(since, SECONDS_OF_DAY);

  const era = divide(days, DAYS_OF_ERA);
  const dayOfEra = rest(days, DAYS_OF_ERA);
  const leapDays = minus(
    plus(divide(dayOfEra, 1460), divide(dayOfEra, DAYS_OF_ERA - 1)),
    divide(dayOfEra, 36_524),
  );
  const yearOfEra = divide(minus(dayOfEra, leapDays), 365);
  const daysBefore = minus(plus(times(yearOfEra, 365), divide(yearOfEra, 4)), divide(yearOfEra, 100));
  const dayOfYear = minus(dayOfEra, daysBefore);
  /** 0 is March. */
  const month = divide(plus(times(dayOfYear, 5), 2), 153);

  const makers: Record<DatePart, () => Value> = {
    // January and February belong to the year before.
    year: () => plus(minus(plus(times(era, 400), yearOfEra), 400), divide(month, 10)),
    month: () => plus(rest(plus(month, 2), 12), 1),
    day: () => plus(minus(dayOfYear, divide(plus(times(month, 153), 2), 5)), 1),
    // 1970 began on a Thursday.
    weekday: () => rest(plus(days, 3 + 7 - (DAYS_BEFORE_1970 % 7)), 7),
    hour: () => divide(ofDay, 3600),
    minute: () => rest(divide(ofDay, 60), 60),
    second: () => rest(ofDay, 60),
    epoch: () => known,
  };
  return parts.map((part) => graph.asNumber(makers[part]()));
}
