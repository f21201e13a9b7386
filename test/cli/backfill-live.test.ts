import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommandLine } from '../../scripts/cli.ts';
import { withBlock } from '../../scripts/output/block.ts';
import type { Io } from '../../scripts/output/io.ts';
import { Terminal } from '../output/terminal.ts';
import { mini, Sandbox } from './harness.ts';

const BACKFILLS = `version: 1
backfills:
  season:
    stages:
      - { name: raw, phases: [phase_1_raw], calendar_first: true, concurrency: 3, error_policy: continue, gate: { coverage_percent: 100 } }
      - { name: computed, phases: [phase_2_computed], order: by_date }
`;

describe('smart-backfill backfill on a terminal', function () {
  this.timeout(60_000);
  const sandbox = new Sandbox();
  const folder = join(sandbox.folder, 'mini');
  before(() => {
    cpSync(mini, folder, { recursive: true });
    writeFileSync(join(folder, 'backfills.yaml'), BACKFILLS);
  });
  after(() => sandbox.remove());

  /** Runs a command on a terminal of 80 columns, and keeps what stood on it after each writing. */
  async function onTerminal({ signal, wrote }: { readonly signal: AbortSignal; readonly wrote?: (text: string) => void }, ...words: readonly string[]): Promise<{ readonly code: number; readonly seen: readonly string[]; readonly end: string }> {
    const terminal = new Terminal(80);
    const seen: string[] = [];
    const write = (text: string): void => {
      terminal.write(text);
      seen.push(terminal.text);
      wrote?.(terminal.text);
    };
    const io: Io = {
      out: { write, isTTY: true, colour: false }, err: withBlock({ write, isTTY: true, colour: false }), columns: 80, ask: null, readInput: null, program: 'npx smart-backfill', cwd: process.cwd(), user: 'kim', environment: {},
    };
    const code = await runCommandLine([...words, '--pipeline', folder], io, signal);
    return { code, seen, end: terminal.text };
  }

  const never = { signal: new AbortController().signal };

  it('says where what it has joined is advanced by nobody', async () => {
    const state = sandbox.state();
    const start = ['backfill', 'start', '--definition', 'season', '--yes', '--state', state];
    assert.equal((await onTerminal(never, ...start, '--season', '2024', '--detach')).code, 0);
    const stop = new AbortController();
    const { code, end } = await onTerminal({ signal: stop.signal, wrote: (text) => { if (text.includes('UTC  waits for backfill')) stop.abort(); } }, ...start, '--from', '2024-01-03', '--to', '2024-01-05', '--join', 'season-2024');
    assert.equal(code, 130, end);
    assert.match(end.replaceAll('\n', ''), / UTC {2}waits for backfill season-2024, which has cells in  ?common/);
    assert.match(end.replaceAll('\n', ''), /it waits for season-2024, which nothing here advances; in another terminal: {2}npx smart-backfill backfill watch season-2024 /);
  });

  it('draws stages and what runs while it runs, is taken away when it is interrupted, and says how it goes on', async () => {
    const state = sandbox.state();
    sandbox.tell(state, 'hang', '2024-01-07');
    const stop = new AbortController();
    const { code, seen, end } = await onTerminal({
      signal: stop.signal,
      // Once all others have ended, it has been drawn.
      wrote: (text) => { if (/raw +running +22 of 23 [^]*\nnow +Scores 2024-01-07/.test(text)) stop.abort(); },
    }, 'backfill', 'start', '--definition', 'season', '--season', '2024', '--reason', 'the year is missing', '--yes', '--state', state);
    assert.equal(code, 130, end);
    const live = seen.findLast((text) => text.includes('░')) ?? '';
    assert.match(live, /\nseason-2024 {2}running for [^\n]*\nSTAGE +STATE +COMPLETE[^\n]*\nraw +running +22 of 23[^\n]*not yet\ncomputed [^\n]*\n[█░]{20} 22 of 34 cells 64\.7 %, [^\n]*calendar first\nnow +Scores 2024-01-07/);
    assert.ok(!/[█░]|^now /m.test(end), end);
    assert.match(end.replaceAll('\n', ''), /it goes on with: {2}npx smart-backfill backfill watch season-2024/);
  });

  it('says once what has become of it, and what to do next; its alerts go to the other channels', async () => {
    const state = sandbox.state();
    sandbox.tell(state, 'fail', '2024-01-05');
    const held = await onTerminal(never, 'backfill', 'start', '--definition', 'season', '--season', '2024', '--yes', '--state', state);
    assert.equal(held.code, 3, held.end);
    assert.doesNotMatch(held.end, /alert/);
    assert.equal(held.end.split('the gate after raw holds').length, 3, held.end);
    assert.match(held.end, /season-2024 {2}gate held\n {2}the gate after raw holds:\n {2}- mini_raw\.scores: [^]*\nraw +gate held +22 of 23 [^]*\n1 cell failed\n {2}Scores 2024-01-05 \(processing\)\n {4}ValueError: [^]*why it failed: {2}npx smart-backfill why Scores 2024-01-05 [^]*when that is mended: {2}npx smart-backfill backfill resume/);
    const alerts = readFileSync(join(state, 'alerts.jsonl'), 'utf8');
    assert.match(alerts, /"severity":"critical","event":"backfill_gate_held"/);
    sandbox.untell(state, 'fail', '2024-01-05');
    const again = await onTerminal(never, 'backfill', 'resume', 'season-2024', '--state', state);
    assert.equal(again.code, 0, again.end);
    assert.match(again.end, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}the gate after raw holds$/m);
    assert.match(again.end, /UTC {2}resumed by kim$/m);
    assert.doesNotMatch(again.end, /UTC {2}started/);
    assert.match(again.end, /season-2024 {2}finished\n[^]*its report: {2}npx smart-backfill backfill report season-2024/);
  });
});
