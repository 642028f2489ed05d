import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type KernelDescription, memIdOf } from '../../../src/kernel/store/kernelDescription.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import { sealedText } from '../../../src/storage/sealedJson.js';
import { put } from '../originalFiles.js';
import { changed, type FieldChange, fieldChangesOf } from './mutations.js';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What whoever changes a description on purpose would make of it. */
function resealed(description: object): string {
  const kernel = description as KernelDescription;
  if (kernel.format !== 'mlml-kernel') return sealedText(description);
  try {
    return JSON.stringify({ ...kernel, memId: memIdOf({ ...kernel, n: kernel.rows }) });
  } catch {
    return JSON.stringify(kernel);
  }
}

/** What a description says, less what no reader looks at. */
function meaning(bytes: Uint8Array): Record<string, unknown> {
  const { checksum: _, ...fields } = JSON.parse(text(bytes));
  return fields;
}

/** Files that commands wrote, of which one at a time is changed. */
export class FuzzWorld {
  readonly #files: ReadonlyMap<string, Uint8Array>;

  constructor(storage: MemoryStorage) {
    this.#files = new Map(storage.paths().map((path) => [path, storage.bytesOf(path)]));
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }

  at(path: string): Uint8Array {
    return this.#files.get(path)!;
  }

  /** The same files with one of them changed. */
  async with(path: string, bytes: Uint8Array): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    for (const [name, content] of this.#files) await put(storage, name, name === path ? bytes : content);
    return storage;
  }

  isSame(path: string, bytes: Uint8Array): boolean {
    return Buffer.from(bytes).equals(this.at(path));
  }

  /** A description after changes of its fields, as it was written or with a new checksum, as if somebody meant it. */
  fieldsOf(path: string): fc.Arbitrary<Uint8Array> {
    const whole = JSON.parse(text(this.at(path)));
    return fc.tuple(fieldChangesOf, fc.boolean()).map(([changes, sealed]) => {
      const description = changed(whole, changes as FieldChange[]) as object;
      return new TextEncoder().encode(sealed ? resealed(description) : JSON.stringify(description));
    });
  }

  /** Asserts that the bytes of a description differ in no field that was there. */
  saysTheSame(path: string, bytes: Uint8Array): void {
    const wanted = meaning(this.at(path));
    const found = meaning(bytes);
    for (const field of Object.keys(wanted)) assert.deepEqual(found[field], wanted[field], field);
  }
}
