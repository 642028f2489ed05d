/** What a field of a FlatBuffers table refers to; numbers need no look. */
export type FieldKind =
  | { readonly text: true }
  | { readonly list: number }
  | { readonly table: TableKind }
  | { readonly tables: TableKind };

/** The fields of a table that refer to something, by their numbers. May depend on the other fields. */
export interface TableKind {
  fields(table: FlatTable): Readonly<Record<number, FieldKind>>;
}

/** Thrown by `checkTable`: the bytes are no table of that kind. */
export class FlatBufferFault extends Error {}

/** Tables nest no deeper than types of columns do. */
const DEEPEST = 16;
const MOST_TABLES = 500_000;

/**
 * A table of FlatBuffers (the metadata of Arrow), whose places are checked before they are read: readers of that format
 * trust them, and would walk through billions of fields that a damaged file only claims.
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    need(at >= 0 && at + 4 <= view.byteLength);
    this.#vtable = at - view.getInt32(at, true);
    need(this.#vtable >= 0 && this.#vtable + 4 <= view.byteLength);
    this.#vtableBytes = view.getUint16(this.#vtable, true);
    need(this.#vtableBytes >= 4 && this.#vtable + this.#vtableBytes <= view.byteLength);
  }

  /** The root table of some bytes. */
  static root(bytes: Uint8Array): FlatTable {
    need(bytes.length >= 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new FlatTable(view, view.getUint32(0, true));
  }

  /** Where a field of so many bytes lies; 0 when it is absent. */
  #place(field: number, bytes: number): number {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#vtableBytes) return 0;
    const offset = this.#view.getUint16(this.#vtable + entry, true);
    if (offset === 0) return 0;
    need(this.#at + offset + bytes <= this.#view.byteLength);
    return this.#at + offset;
  }

  has(field: number): boolean {
    return this.#place(field, 1) > 0;
  }

  byte(field: number): number {
    const place = this.#place(field, 1);
    return place === 0 ? 0 : this.#view.getUint8(place);
  }

  /** A 64-bit integer, exact below 2^53. */
  long(field: number): number {
    const place = this.#place(field, 8);
    return place === 0 ? 0 : readLong(this.#view, place);
  }

  table(field: number): FlatTable | undefined {
    const place = this.#place(field, 4);
    return place === 0 ? undefined : new FlatTable(this.#view, place + this.#view.getUint32(place, true));
  }

  /** Where the elements of a list begin, and how many of so many bytes each there are. */
  list(field: number, bytes: number): { readonly at: number; readonly count: number } {
    const place = this.#place(field, 4);
    if (place === 0) return { at: 0, count: 0 };
    const start = place + this.#view.getUint32(place, true);
    need(start + 4 <= this.#view.byteLength);
    const count = this.#view.getUint32(start, true);
    need(start + 4 + count * bytes <= this.#view.byteLength);
    return { at: start + 4, count };
  }

  tables(field: number): FlatTable[] {
    const { at, count } = this.list(field, 4);
    return Array.from({ length: count }, (_, i) => {
      const place = at + 4 * i;
      return new FlatTable(this.#view, place + this.#view.getUint32(place, true));
    });
  }

  /** The pairs of 64-bit integers of a list: lengths and offsets of Arrow. */
  pairs(field: number): [number, number][] {
    const { at, count } = this.list(field, 16);
    return Array.from({ length: count }, (_, i) => [
      readLong(this.#view, at + 16 * i),
      readLong(this.#view, at + 16 * i + 8),
    ]);
  }
}

function readLong(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function need(isRight: boolean): void {
  if (!isRight) throw new FlatBufferFault('its metadata are damaged');
}

/** Looks at everything that a table refers to; `FlatBufferFault` where that is not inside the bytes. */
export function checkTable(table: FlatTable, kind: TableKind): void {
  let left = MOST_TABLES;
  const check = (each: FlatTable, wanted: TableKind, depth: number): void => {
    need(depth < DEEPEST && --left > 0);
    for (const [name, field] of Object.entries(wanted.fields(each))) {
      const number = Number(name);
      if ('text' in field) each.list(number, 1);
      else if ('list' in field) each.list(number, field.list);
      else if ('table' in field) {
        const inner = each.table(number);
        if (inner !== undefined) check(inner, field.table, depth + 1);
      } else for (const inner of each.tables(number)) check(inner, field.tables, depth + 1);
    }
  };
  check(table, kind, 0);
}
