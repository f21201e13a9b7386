/** One figure of a benchmark, with what was promised for it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | 'MB' | 'ms a cell' | 'cells' | 'reads' | 'writes' | 'queries';
  /** Most that was promised, in the same unit; null where nothing was. */
  readonly atMost: number | null;
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Peak resident memory of this process, in MB. */
export function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
