import { z } from 'zod';
import { formatDay } from '../calendar/day.ts';
import { daySchema } from '../requests/record-schema.ts';
import type { UntoldFailure } from './untold.ts';

/** Failures summed up for a digest: however many there were, it stays a page. */
export const gatheredSchema = z.object({
  count: z.int(),
  groups: z.array(z.object({ processor: z.string(), category: z.string(), count: z.int(), from: daySchema, to: daySchema })),
  /** Failures of groups that found no room. */
  others: z.int(),
  /** Different messages, each with how often it came and the first cell that it came from. */
  messages: z.array(z.object({ text: z.string(), count: z.int(), processor: z.string(), day: daySchema })),
  from: daySchema,
  to: daySchema,
});
export type Gathered = z.infer<typeof gatheredSchema>;

const MOST_GROUPS = 20;
const MOST_MESSAGES = 5;

export function gathered(before: Gathered | null, failures: readonly UntoldFailure[]): Gathered | null {
  return failures.reduce(added, before);
}

function added(sum: Gathered | null, failure: UntoldFailure): Gathered {
  const { processor, category, day, message } = failure;
  const span = { from: day, to: day };
  if (!sum) return { count: 1, groups: [{ processor, category, count: 1, ...span }], others: 0, messages: [{ text: message, count: 1, processor, day }], ...span };
  const isGroup = (group: Gathered['groups'][number]): boolean => group.processor === processor && group.category === category;
  const known = sum.groups.some(isGroup);
  const fits = sum.groups.length < MOST_GROUPS;
  return {
    count: sum.count + 1,
    groups: known ? sum.groups.map((group) => (isGroup(group) ? { ...group, count: group.count + 1, ...widened(group, failure) } : group))
      : fits ? [...sum.groups, { processor, category, count: 1, ...span }] : sum.groups,
    others: sum.others + (known || fits ? 0 : 1),
    messages: sum.messages.some(({ text }) => text === message) ? sum.messages.map((entry) => (entry.text === message ? { ...entry, count: entry.count + 1 } : entry))
      : sum.messages.length < MOST_MESSAGES ? [...sum.messages, { text: message, count: 1, processor, day }] : sum.messages,
    ...widened(sum, failure),
  };
}

function widened(span: Pick<Gathered, 'from' | 'to'>, { day }: Pick<UntoldFailure, 'day'>): Pick<Gathered, 'from' | 'to'> {
  return { from: day < span.from ? day : span.from, to: day > span.to ? day : span.to };
}

export function cellsFailed(count: number): string {
  return `${count} ${count === 1 ? 'cell has' : 'cells have'} failed`;
}

/** For people: by processor and kind, then what was said. */
export function linesOf({ groups, others, messages }: Gathered): readonly string[] {
  const dates = ({ from, to }: Pick<Gathered, 'from' | 'to'>): string => (from === to ? formatDay(from) : `${formatDay(from)} to ${formatDay(to)}`);
  return [
    ...groups.map((group) => `${group.processor}: ${group.count} (${group.category}), ${dates(group)}`),
    ...(others > 0 ? [`${others} more of other processors`] : []),
    ...messages.map(({ text, count, processor, day }) => `${processor} ${formatDay(day)}${count > 1 ? ` and ${count - 1} more` : ''}: ${text}`),
  ];
}
