import type { KernelFunction } from './kernelFunction.js';

/** Parameters of a kernel that is no combination, in the order in which they are written. */
function parametersOf(kernel: KernelFunction): [name: string, value: number][] {
  const names = ['nu', 'lengthscale', 'gamma', 'coef0', 'degree', 'depth'];
  const record = kernel as unknown as Record<string, number | undefined>;
  return names.flatMap((name) => (record[name] === undefined ? [] : [[name, record[name]]]));
}

/** A kernel for a person: `rbf(lengthscale 5)`, `0.5*rbf(lengthscale 5)*cosine`, `linear + custom:mine`. */
export function kernelName(kernel: KernelFunction): string {
  const grouped = (part: KernelFunction) =>
    part.kind === 'sum' ? `(${kernelName(part)})` : kernelName(part);
  switch (kernel.kind) {
    case 'sum':
      return kernel.terms.map(kernelName).join(' + ');
    case 'product':
      return kernel.factors.map(grouped).join('*');
    case 'scale':
      return `${kernel.factor}*${grouped(kernel.of)}`;
    case 'custom':
      return `custom:${kernel.name}`;
    default: {
      const parameters = parametersOf(kernel).map(([name, value]) => `${name} ${value}`);
      return parameters.length === 0 ? kernel.kind : `${kernel.kind}(${parameters.join(', ')})`;
    }
  }
}

/** The same kernel as JSON text, always with its fields in one order: equal kernels have equal texts. */
export function canonicalKernel(kernel: KernelFunction): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    // 'kind' first, for the reader.
    const rank = (name: string) => (name === 'kind' ? '' : name);
    fields.sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1));
    return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]));
  };
  return JSON.stringify(sorted(kernel));
}
