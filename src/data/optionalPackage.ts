import { MlmlError } from '../errors.js';

/** `what` needs a package that is not there. `detail`: why it does not load, where it is not simply absent. */
export function missingPackage(name: string, what: string, detail = ''): MlmlError {
  const why = detail === '' ? '' : ` (${detail.split('\n')[0]})`;
  return new MlmlError(
    'MLML_MISSING_PACKAGE',
    `${what}, which needs the package ${name}${why}; install it beside mlml: npm install ${name}`,
  );
}

/**
 * Loads a package that is installed only where it is wanted and can be. `what` says what it is for: `t.sqlite: is a database of
 * SQLite`. `MLML_MISSING_PACKAGE` without it, or where it does not load.
 */
export async function optionalPackage<Package>(
  name: string,
  what: string,
  load: () => Promise<Package>,
): Promise<Package> {
  try {
    return await load();
  } catch (cause) {
    throw missingPackage(name, what, detailOf(name, cause as NodeJS.ErrnoException));
  }
}

/** Empty for a package that is not there; otherwise what the loader said: a native part does not fit, another package is missing. */
export function detailOf(
  name: string,
  { code, message }: { readonly code?: string | undefined; readonly message: string },
): string {
  const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return absent && message.includes(`'${name}'`) ? '' : message;
}
