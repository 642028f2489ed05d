// Checks that imports in src/ go from lower rooms (folders) to upper ones only, and that only storage/ touches node:fs.
// An argument names another checkout to look at.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve, sep } from 'node:path';
import { root } from './child.mjs';

const leaves = ['storage', 'memory', 'arithmetic'];

/** What each room may import, besides itself and errors.ts; from the rooms under `types`, only types. */
const rooms = {
  storage: { values: [] },
  memory: { values: [] },
  arithmetic: { values: ['memory'] },
  threads: { values: ['memory', 'arithmetic'] },
  data: { values: leaves },
  ssgd: { values: ['data', 'threads', ...leaves] },
  // Evaluations, their events and the choice of a class are those of linear models.
  kernel: { values: ['ssgd', 'data', 'threads', ...leaves] },
  model: { values: ['kernel', 'ssgd', 'data', 'threads', ...leaves] },
  serve: { values: ['model', 'kernel', 'ssgd', 'data', 'threads', ...leaves] },
  run: { values: leaves, types: ['kernel', 'ssgd', 'data', 'model'] },
  cli: { values: ['run', 'serve', 'model', 'kernel', 'ssgd', 'data', 'threads', ...leaves, 'mlml.ts'] },
  // The package entry gathers what is public.
  'mlml.ts': { values: ['serve', 'model', 'kernel', 'ssgd', 'data', ...leaves, 'run'] },
  'errors.ts': { values: [] },
};

const fileSystemModules = new Set(['node:fs', 'node:fs/promises', 'fs', 'fs/promises']);
// It loads the compiled kernels that lie beside it in the package, before any storage exists.
const fileSystemException = 'arithmetic/kernels.ts';

/** The source with comments and template literals blanked, line breaks kept: examples in them are no imports. */
function blankComments(source) {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return source.replace(token, (text) =>
    text.startsWith("'") || text.startsWith('"') ? text : text.replace(/[^\n]/g, ' '),
  );
}

/** Every import and re-export of a file: what it names, at which line, and whether it vanishes when compiled. */
function importsOf(source) {
  const code = blankComments(source);
  const statement =
    /^[ \t]*(?:import|export)\b(\s+type\b(?!\s+from\b))?[^;'"]*?\bfrom\s*(['"])(.+?)\2|^[ \t]*import\s*(['"])(.+?)\4|\bimport\s*\(\s*(['"])(.+?)\6/gm;
  return [...code.matchAll(statement)].map((match) => ({
    name: match[3] ?? match[5] ?? match[7],
    typeOnly: match[1] !== undefined,
    line: code.slice(0, match.index).split('\n').length,
  }));
}

/** What is wrong with one import of a file (its path relative to src/, with forward slashes), or undefined. */
function problemOf(file, { name, typeOnly }) {
  const room = file.split('/')[0];
  if (fileSystemModules.has(name)) {
    if (room === 'storage' || file === fileSystemException) return undefined;
    return `only src/storage may import ${name}; take the Storage interface (storage/storage.ts) instead`;
  }
  if (!name.startsWith('.')) return undefined;
  const target = posix.normalize(posix.join(posix.dirname(file), name)).replace(/\.js$/, '.ts');
  if (target.startsWith('..')) return `${name} is outside src/`;
  const targetRoom = target.split('/')[0];
  if (targetRoom === room || targetRoom === 'errors.ts') return undefined;
  const { values, types = [] } = rooms[room];
  if (values.includes(targetRoom) || (typeOnly && types.includes(targetRoom))) return undefined;
  if (types.includes(targetRoom))
    return `${room} may import only types from ${targetRoom}: use "import type"`;
  const allowed = [...values, ...types.map((type) => `${type} (types)`), 'errors.ts'].join(', ');
  return `${room} may not import ${targetRoom} (${name}); it may import ${allowed}`;
}

/** Problems of one file, as `src/file.ts:line: what`. */
function problemsOf(folder, file) {
  const room = file.split('/')[0];
  if (rooms[room] === undefined) {
    return [`src/${file}:1: ${room} is no known room; add it to the table in scripts/checkImports.mjs`];
  }
  return importsOf(readFileSync(join(folder, file), 'utf8')).flatMap((found) => {
    const problem = problemOf(file, found);
    return problem === undefined ? [] : [`src/${file}:${found.line}: ${problem}`];
  });
}

const folder = join(resolve(process.argv[2] ?? root), 'src');
const files = readdirSync(folder, { recursive: true })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .sort();
const problems = files.flatMap((file) => problemsOf(folder, file));
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`imports: ${problems.length} in the wrong direction`);
  process.exitCode = 1;
} else {
  console.log(`imports: ${files.length} files, all in the right direction`);
}
