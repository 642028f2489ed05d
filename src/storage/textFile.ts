import { dirname, join } from 'node:path';
import { MlmlError } from '../errors.js';
import { removeLeftovers } from './leftovers.js';
import { ownedName } from './ownedFolder.js';
import type { Storage } from './storage.js';

/** Nobody's JSON description is larger; a larger file is not one of ours. */
const LARGEST_TEXT = 64 * 1024 * 1024;

/** Reads a small text file whole. */
export async function readText(storage: Storage, path: string): Promise<string> {
  const file = await storage.openRead(path);
  try {
    if (file.byteLength > LARGEST_TEXT) {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${path}: ${file.byteLength} bytes are too many for a description file`,
      );
    }
    const bytes = new Uint8Array(file.byteLength);
    await file.readInto(bytes, 0);
    return new TextDecoder().decode(bytes);
  } finally {
    await file.close();
  }
}

/** Descriptions nest a few levels deep; what walks through one that nests much deeper would run out of stack. */
const DEEPEST = 64;

function checkDepth(text: string, path: string): void {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (inText) {
      if (letter === '\\') i++;
      else if (letter === '"') inText = false;
    } else if (letter === '"') inText = true;
    else if (letter === '[' || letter === '{') depth++;
    else if (letter === ']' || letter === '}') depth--;
    if (depth > DEEPEST)
      throw new MlmlError('MLML_BAD_FILE', `${path}: nests deeper than ${DEEPEST} levels at character ${i}`);
  }
}

/** Reads and parses a JSON file; damage is `MLML_BAD_FILE`. */
export async function readJson(storage: Storage, path: string): Promise<unknown> {
  const text = await readText(storage, path);
  try {
    checkDepth(text, path);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof MlmlError) throw error;
    throw new MlmlError('MLML_BAD_FILE', `${path}: is not JSON (${(error as Error).message})`, {
      cause: error,
    });
  }
}

/** Replaces a file so that a reader, also after a power cut, sees the old bytes or the new ones, never a mixture. */
export async function replaceFile(
  storage: Storage,
  path: string,
  content: string | Uint8Array,
): Promise<void> {
  const folder = dirname(path);
  await removeLeftovers(storage, folder);
  const temporary = join(folder, ownedName('new'));
  try {
    const file = await storage.create(temporary);
    try {
      await file.write(typeof content === 'string' ? new TextEncoder().encode(content) : content, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await storage.rename(temporary, path);
    await storage.syncFolder(folder);
  } catch (error) {
    await storage.remove(temporary).catch(() => {});
    throw error;
  }
}
