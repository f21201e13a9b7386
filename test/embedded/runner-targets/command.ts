import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

/** A command that behaves as its first argument says. */

const order = z.object({
  processor_name: z.string(), start_date: z.string(), run_id: z.string(), is_backfill: z.boolean(), backfill_mode: z.boolean(), skip_downstream_trigger: z.boolean(),
  strict_mode: z.boolean(), trigger_reason: z.string(), backfill_id: z.null(), inputs: z.record(z.string(), z.array(z.unknown())),
});

const behaviour = process.argv[2] ?? '';
const write = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

if (behaviour === 'ignores_input') write({ status: 'no_data', message: 'never read' });
else await behave(order.parse(JSON.parse(await text(process.stdin))));

async function behave(given: z.infer<typeof order>): Promise<void> {
  switch (behaviour) {
    case 'copies_input':
      for (const row of given.inputs['Boxscores'] ?? []) write(row);
      break;
    case 'has_no_data':
      write({ status: 'no_data', message: 'the page is empty' });
      break;
    case 'fails':
      write({ status: 'failed', error: { type: 'ValueError', message: 'no column FGM' } });
      break;
    case 'crashes':
      process.stderr.write('TypeError: cannot read the page\n');
      process.exitCode = 1;
      break;
    case 'hangs_stubbornly':
      process.on('SIGTERM', () => undefined);
      process.stderr.write('ready\n');
      await sleep(60_000);
      break;
    case 'hangs':
      await sleep(60_000);
      break;
    case 'answers_nonsense':
      process.stdout.write('I am done\n');
      break;
    case 'kills_itself':
      process.kill(process.pid, 'SIGKILL');
      await sleep(10_000);
      break;
    case 'writes_much':
      for (let row = 0; row < 60_000; row += 1) write({ row, text: 'x'.repeat(100) });
      break;
    case 'echoes_order':
      write({
        processor: given.processor_name, date: given.start_date, run: given.run_id, backfill: given.is_backfill, skip: given.skip_downstream_trigger, strict: given.strict_mode,
        reason: given.trigger_reason, id: given.backfill_id,
      });
      break;
    default:
  }
}
