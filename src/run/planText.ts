import { formatBytes } from '../memory/byteSize.js';
import type { Plan } from '../memory/plan.js';

/** The fields of a plan that are promised, without what a trainer keeps in it for itself. */
export function planFields(plan: Plan): Plan {
  const { job, budgetBytes, regions, plannedPeakBytes, passes } = plan;
  const { bytesRead, bytesWritten, scratchBytes, threads = 1, notes } = plan;
  return {
    job,
    budgetBytes,
    plannedPeakBytes,
    passes,
    bytesRead,
    bytesWritten,
    scratchBytes,
    threads,
    regions: regions.map(({ name, bytes }) => ({ name, bytes })),
    notes,
  };
}

function work(plan: Plan): string[] {
  const parts = [
    `${plan.passes} ${plan.passes === 1 ? 'pass' : 'passes'}`,
    `reads ${formatBytes(plan.bytesRead)}`,
  ];
  if (plan.bytesWritten > 0) parts.push(`writes ${formatBytes(plan.bytesWritten)}`);
  if (plan.scratchBytes > 0) parts.push(`scratch ${formatBytes(plan.scratchBytes)}`);
  return parts;
}

/** One line at the start of a run. */
export function planLine(plan: Plan): string {
  const memory = `${formatBytes(plan.plannedPeakBytes)} of ${formatBytes(plan.budgetBytes)}`;
  return `plan: ${plan.job}: ${[memory, ...work(plan)].join(', ')}`;
}

/** The whole plan in words: what `mlml plan` prints. */
export function planText(plan: Plan): string {
  const lines = [
    plan.job,
    '',
    `  memory   ${formatBytes(plan.plannedPeakBytes)} of the ${formatBytes(plan.budgetBytes)} of --buffer`,
  ];
  const width = Math.max(0, ...plan.regions.map(({ name }) => name.length));
  for (const { name, bytes } of plan.regions) {
    lines.push(`             ${name.padEnd(width)}  ${formatBytes(bytes)}`);
  }
  const [passes, ...rest] = work(plan);
  lines.push(`  passes   ${passes!.replace(/ pass(es)?$/, '')}`, `  disk     ${rest.join(', ')}`);
  if (plan.notes.length > 0) lines.push('', ...plan.notes.map((note) => `  - ${note}`));
  return `${lines.join('\n')}\n`;
}
