import type { Command } from 'commander';
import { z } from 'zod';
import { formatDay, startOfDay } from '../../shared/calendar/day.ts';
import { accept, hold, unaccept, unhold, type ByPerson } from '../../shared/flows/operate.ts';
import { factsOf } from '../../shared/gaps/cell-facts.ts';
import { statusOf } from '../../shared/gaps/facts.ts';
import type { CellKey, CellRecord } from '../../shared/requests/cell.ts';
import { writeJson } from '../output/json.ts';
import { outStyle, statusText } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { cellText, counted } from '../output/words.ts';
import { withState, type Session } from '../session.ts';
import { done, newCommand, onRun, type CliContext } from './command.ts';
import { cellsOf, commonOptions, readDates, readDay, readProcessor, readReason } from './options.ts';

/** `accept`, `unaccept`, `hold`, `unhold`: what a person does by hand to cells, recorded with who and why. */

const byHandOptions = commonOptions.extend({ reason: z.string().optional(), until: z.string().optional() });
type ByHandOptions = z.infer<typeof byHandOptions>;
const operands = z.tuple([z.string(), z.string()]);

interface ByHand {
  readonly name: string;
  readonly description: string;
  readonly past: string;
  readonly verb: string;
  readonly until?: boolean;
  /** For what takes something back: whether a cell has it, and what it is. */
  readonly takesBack?: { readonly what: string; readonly has: (record: CellRecord) => boolean };
  readonly act: (session: Session, cells: readonly CellKey[], person: ByPerson, options: ByHandOptions) => Promise<void>;
}

function byHand(context: CliContext, { name, description, past, verb, until, takesBack, act }: ByHand): Command {
  const command = newCommand(name, description, ['state', 'json', 'now'])
    .argument('<processor>', 'name of the processor, or several, separated by commas')
    .argument('<dates>', '2023-11-15, or 2023-11-10..2023-11-15, or several, separated by commas')
    .option('--reason <text>', 'why: needed, and kept');
  if (until) command.option('--until <date>', 'until the start of this date');
  return onRun(context, command, (given, words) => {
    const options = byHandOptions.parse(given);
    const [processorName, dates] = operands.parse(words);
    const reason = readReason(options.reason, verb);
    return withState(context, options, async (session) => {
      const { io, pipeline, runtime } = session;
      const { engine } = runtime;
      const processors = [...new Set(processorName.split(',').map((one) => readProcessor(one, pipeline)))];
      const ranges = readDates(dates, pipeline);
      const [first] = ranges;
      const to = ranges.map((range) => range.to).sort((a, b) => b - a)[0];
      if (first && to !== undefined) await engine.refresh(first.from, to);
      const cells = processors.flatMap((processor) => cellsOf(processor, ranges, (from, until_) => engine.world.expectedDates(processor).within(from, until_)));
      const changed: CellKey[] = [];
      for (const cell of cells) if (!takesBack || takesBack.has(await runtime.store.cell(cell))) changed.push(cell);
      if (changed.length > 0) await act(session, changed, { by: io.user, reason }, options);
      // What it has let go on has to be rung for where nothing looks at the queue by itself.
      if (changed.length > 0 && runtime.kind === 'google' && name !== 'hold') await runtime.workOff(session.signal);
      const acted = new Set(changed.map(cellText));
      const after = cells.map((cell) => ({ ...cell, status: statusOf(factsOf(engine.world, engine.world.processor(cell.processor), cell.day)) }));
      if (options.json) writeJson(io, { action: name, cells: after.map((cell) => ({ processor: cell.processor, game_date: formatDay(cell.day), status: cell.status, changed: acted.has(cellText(cell)) })) });
      else {
        const style = outStyle(io);
        const untouched = cells.length - changed.length;
        const [one] = cells;
        const names = processors.map((processor) => processor.name).join(', ');
        const which = cells.length === 1 && one ? cellText(one) : `${counted(untouched, 'cell')} of ${names}`;
        if (changed.length > 0) io.out.write(`${past} ${counted(changed.length, 'cell')} of ${names}: ${reason}\n`);
        if (untouched > 0) io.out.write(`${which} ${untouched === 1 ? 'was' : 'were'} not ${takesBack?.what ?? ''}: nothing to take back\n`);
        io.out.write(renderTable(after.slice(0, 31), [
          ...(processors.length === 1 ? [] : [{ header: 'PROCESSOR', value: (cell: CellKey) => cell.processor }]), { header: 'DATE', value: (cell) => formatDay(cell.day) },
          { header: 'STATUS NOW', value: (cell) => cell.status, dress: (text, cell) => text.replace(cell.status, statusText(style, cell.status)) },
        ], style, 2));
      }
      return done;
    }, {
      check: (pipeline) => {
        for (const one of processorName.split(',')) readProcessor(one, pipeline);
        readDates(dates, pipeline);
        if (options.until !== undefined) readDay(options.until, '--until');
      },
    });
  });
}

export function acceptCommand(context: CliContext): Command {
  return byHand(context, {
    name: 'accept', past: 'accepted', verb: 'accepting', until: true,
    description: 'Marks known rows, or a known gap, as right: it blocks nothing. Holds for these very rows (or their absence) only; anything else ends it.',
    act: async ({ runtime: { engine }, pipeline }, cells, person, options) => accept(engine, cells, person, options.until === undefined ? null : startOfDay(readDay(options.until, '--until'), pipeline.timeZone)),
  });
}

export function unacceptCommand(context: CliContext): Command {
  return byHand(context, {
    name: 'unaccept', past: 'no longer accepted:', verb: 'taking an acceptance back', description: 'Takes an acceptance back.',
    takesBack: { what: 'accepted', has: (record) => record.acceptance !== null },
    act: ({ runtime: { engine } }, cells, person) => unaccept(engine, cells, person),
  });
}

export function holdCommand(context: CliContext): Command {
  return byHand(context, {
    name: 'hold', past: 'held', verb: 'holding', description: 'Keeps cells from being run, by anyone, until they are unheld.',
    act: ({ runtime: { engine } }, cells, person) => hold(engine, cells, person),
  });
}

export function unholdCommand(context: CliContext): Command {
  return byHand(context, {
    name: 'unhold', past: 'let run again', verb: 'unholding', description: 'Lets cells run again that are held, by hand or by a failure.',
    takesBack: { what: 'held', has: (record) => record.hold !== null || record.failure !== null },
    act: ({ runtime: { engine } }, cells, person) => unhold(engine, cells, person),
  });
}
