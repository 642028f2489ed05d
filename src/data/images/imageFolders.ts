import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { PartName } from '../format.js';

/** Names of classes stand in descriptions. */
const MOST_CLASSES = 2 ** 16;
const testFolders = ['test', 'val', 'valid', 'validation'];

/** The images of one class that belong to one part; without it, they are divided. */
export interface ImageFolder {
  readonly folder: string;
  readonly className: string;
  readonly part?: PartName;
}

export const isImageName = (name: string) => /\.(png|jpe?g)$/i.test(name) && !name.startsWith('.');

/** `broken` gets links to what is not there. */
async function subfolders(storage: Storage, folder: string, broken: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await storage.list(folder)) {
    if (name.startsWith('.') || isImageName(name)) continue;
    const status = await storage.status(join(folder, name));
    if (status === undefined) broken.push(join(folder, name));
    else if (status.isFolder) found.push(name);
  }
  return found;
}

/**
 * Folders of images: one for each class, or such folders in `train` and `test` (or `val`, `valid`, `validation`). Undefined for
 * anything else.
 */
export async function imageFolders(storage: Storage, path: string): Promise<ImageFolder[] | undefined> {
  if ((await storage.status(path))?.isFolder !== true) return undefined;
  const broken: string[] = [];
  const names = await subfolders(storage, path, broken);
  const testName = testFolders.find((name) => names.includes(name));
  const parts: readonly (readonly [string, PartName | undefined])[] =
    names.includes('train') && testName !== undefined
      ? [
          [join(path, 'train'), 'train'],
          [join(path, testName), 'test'],
        ]
      : [[path, undefined]];
  const found: ImageFolder[] = [];
  let hasImages = false;
  for (const [folder, part] of parts) {
    for (const className of part === undefined ? names : await subfolders(storage, folder, broken)) {
      const inside = join(folder, className);
      hasImages ||= (await storage.list(inside)).some(isImageName);
      found.push({ folder: inside, className, ...(part === undefined ? {} : { part }) });
    }
  }
  if (!hasImages) return undefined;
  // The class would be gone, and nobody would know.
  if (broken.length > 0)
    throw new MlmlError('MLML_NOT_FOUND', `${broken[0]}: is a link to what is not there; mend or remove it`);
  const classes = new Set(found.map(({ className }) => className));
  if (classes.size < 2 || classes.size > MOST_CLASSES)
    throw new MlmlError(
      'MLML_BAD_DATA',
      `${path}: has ${classes.size} ${classes.size === 1 ? 'folder' : 'folders'} of images; each class has one, and there are from 2 to ${MOST_CLASSES}`,
    );
  return found;
}
