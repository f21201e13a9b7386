import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PROTOCOL } from '../../shared/embedded/owner-frames.ts';
import { readOwner } from '../../shared/embedded/owner-lock.ts';
import { socketPathFor, type CommandHandler } from '../../shared/embedded/owner-server.ts';
import { ownOrForward, type StateFolder } from '../../shared/embedded/state-folder.ts';
import { command, isFault, killed, StateFolders } from './state-folders.ts';

describe('a state folder', () => {
  let folders: StateFolders;
  beforeEach(() => { folders = new StateFolders(); });
  afterEach(() => folders.close());

  describe('serves other commands', () => {
    const served = async (handler: CommandHandler, at = folders.path): Promise<StateFolder> => {
      const folder = folders.own(at);
      await folder.serve(handler);
      return folder;
    };

    it('with their arguments and terminal, and gives back output and exit code', async () => {
      let received: unknown = null;
      await served(async (given, io) => {
        received = given;
        io.stdout('one\n');
        io.stderr('warning: Räw 🏀\n');
        io.stdout('two\n');
        return 3;
      });
      const { outcome, stdout, stderr } = await folders.run(command('gaps', '--from', '2023-10-24'));
      assert.deepEqual([outcome, stdout, stderr], [{ kind: 'served', exitCode: 3 }, 'one\ntwo\n', 'warning: Räw 🏀\n']);
      assert.deepEqual(received, command('gaps', '--from', '2023-10-24'));
    });
    it('from another process', async () => {
      const process_ = await folders.ownerProcess('serve');
      const { outcome, stdout } = await folders.run(command('gaps'));
      assert.deepEqual([outcome, stdout], [{ kind: 'served', exitCode: 3 }, `${process_.pid} gaps\n`]);
    });
    it('with megabytes of output, in order', async () => {
      const line = `${'é'.repeat(99)}\n`;
      await served(async (_, io) => {
        for (let index = 0; index < 500; index += 1) io.stdout(line.repeat(50));
        return 0;
      });
      const { stdout } = await folders.run(command('gaps', '--json'));
      assert.equal(stdout.length, 500 * 50 * 100);
      assert.equal(stdout, line.repeat(25_000));
    });
    it('several at a time', async () => {
      let running = 0;
      let release: () => void = () => undefined;
      const all = new Promise<void>((resolve) => { release = resolve; });
      await served(async ({ argv }) => {
        if ((running += 1) === 5) release();
        await all;
        return Number(argv[0]);
      });
      const outcomes = await Promise.all([1, 2, 3, 4, 5].map((code) => folders.run(command(String(code)))));
      assert.deepEqual(outcomes.map(({ outcome }) => outcome.kind === 'served' && outcome.exitCode), [1, 2, 3, 4, 5]);
    });
    it('and aborts one on Ctrl-C, waiting for how it ends', async () => {
      const abort = new AbortController();
      await served(async (_, io) => {
        abort.abort();
        await once(io.signal, 'abort');
        io.stderr('go on with: smart-backfill recover\n');
        return 130;
      });
      const { outcome, stderr } = await folders.run(command('recover'), { signal: abort.signal });
      assert.deepEqual([outcome, stderr], [{ kind: 'served', exitCode: 130 }, 'go on with: smart-backfill recover\n']);
    });
    it('and aborts one whose client was killed', async () => {
      const aborted = Promise.withResolvers<string>();
      const begun = Promise.withResolvers<void>();
      const folder = await served(async (_, io) => {
        begun.resolve();
        await once(io.signal, 'abort');
        aborted.resolve('aborted');
        return 130;
      });
      const socket = connect({ path: readOwner(folder.path)?.socket ?? '' });
      socket.write(`${JSON.stringify({ type: 'command', protocol: PROTOCOL, version: '1.0.0', command: command('up') })}\n`);
      await once(socket, 'data');
      socket.write(`${JSON.stringify({ type: 'go' })}\n`);
      await begun.promise;
      socket.destroy();
      assert.equal(await aborted.promise, 'aborted');
    });
    it('and never begins one whose client gave up before it was accepted', async () => {
      const commands: string[] = [];
      const folder = await served(async ({ argv }) => {
        commands.push(argv.join(' '));
        return 0;
      });
      const socket = connect({ path: readOwner(folder.path)?.socket ?? '' });
      socket.write(`${JSON.stringify({ type: 'command', protocol: PROTOCOL, version: '1.0.0', command: command('pause') })}\n`);
      await once(socket, 'data');
      socket.destroy();
      await once(socket, 'close');
      assert.deepEqual((await folders.run(command('gaps'))).outcome, { kind: 'served', exitCode: 0 });
      assert.deepEqual(commands.map((words) => /pause/.test(words)), [false]);
    });
    it('and tells of a handler that threw, with exit code 1', async () => {
      await served(async () => { throw new Error('a fault of the program'); });
      const { outcome, stderr } = await folders.run(command('gaps'));
      assert.deepEqual(outcome, { kind: 'served', exitCode: 1 });
      assert.match(stderr, /a fault of the program/);
    });
    it('and refuses what is no frame of ours', async () => {
      const folder = await served(async () => 0);
      const socket = connect({ path: readOwner(folder.path)?.socket ?? '' });
      socket.write('GET / HTTP/1.1\n');
      const [answer] = await once(socket, 'data');
      assert.match(String(answer), /refused.*GET/);
      assert.deepEqual((await folders.run(command('gaps'))).outcome, { kind: 'served', exitCode: 0 });
    });
    it('and refuses a client of another version', async () => {
      await served(async () => 0);
      await assert.rejects(folders.run(command('gaps'), { version: '2.0.0' }), isFault('owner_refused', /version 2\.0\.0.*of version 1\.0\.0.*one version/s, 5));
    });
    it('through a socket elsewhere when the path is too long for one', async () => {
      const long = join(folders.parent, 'x'.repeat(60), 'y'.repeat(60));
      const folder = await served(async () => 4, long);
      assert.match(readOwner(folder.path)?.socket ?? '', /smart-backfill-[0-9a-f]{16}\.sock$/);
      assert.deepEqual((await folders.run(command('gaps'), { at: long })).outcome, { kind: 'served', exitCode: 4 });
      assert.match(socketPathFor(folders.parent, 'win32'), /^\\\\\.\\pipe\\smart-backfill-/);
    });
    it('until it is closed, which waits for those that run, or cancels them', async () => {
      const begun = Promise.withResolvers<void>();
      const folder = await served(async (_, io) => {
        begun.resolve();
        await once(io.signal, 'abort');
        return 130;
      });
      const running = folders.run(command('up'));
      await begun.promise;
      const stop = new AbortController();
      const closing = folder.close(stop.signal);
      stop.abort();
      await closing;
      assert.deepEqual((await running).outcome, { kind: 'served', exitCode: 130 });
      assert.equal((await folders.run(command('gaps'))).outcome.kind, 'owned');
    });
  });

  describe('whose owner has trouble', () => {
    it('does not answer: an error with its pid and what to do', async () => {
      const process_ = await folders.ownerProcess('serve');
      process_.kill('SIGSTOP');
      await assert.rejects(folders.run(command('gaps'), { answerWithinMs: 40 }), isFault('owner_silent', new RegExp(`process ${process_.pid}, which does not answer.*kill ${process_.pid}`, 's'), 5));
    });
    it('does not serve: the same error', async () => {
      const process_ = await folders.ownerProcess('own');
      await assert.rejects(folders.run(command('gaps'), { answerWithinMs: 40 }), isFault('owner_silent', new RegExp(`process ${process_.pid}`), 5));
    });
    it('is killed between lock and socket: the one that waits takes over', async () => {
      const process_ = await folders.ownerProcess('own');
      const waiting = folders.run(command('gaps'));
      await killed(process_);
      assert.equal((await waiting).outcome.kind, 'owned');
    });
    it('is killed while it serves: an error that says to run it again', async () => {
      const process_ = await folders.ownerProcess('serve');
      const abort = new AbortController();
      const outcome = ownOrForward(folders.path, Date.now(), command('hang'), {
        version: '1.0.0', stderr: () => undefined, signal: abort.signal, stdout: () => process_.kill('SIGKILL'),
      });
      await assert.rejects(outcome, isFault('owner_gone', /run the command again/, 4));
      assert.equal((await folders.run(command('gaps'))).outcome.kind, 'owned');
    });
    it('begins to serve while another waits: that one is served', async () => {
      const folder = folders.own();
      const waiting = folders.run(command('gaps'));
      await folder.serve(async () => 0);
      assert.deepEqual((await waiting).outcome, { kind: 'served', exitCode: 0 });
    });
    it('leaves no half-written file', () => {
      folders.own();
      assert.deepEqual(readdirSync(folders.path).filter((name) => /\d+$|new$/.test(name)), []);
      assert.doesNotThrow(() => JSON.parse(readFileSync(join(folders.path, 'owner.json'), 'utf8')));
    });
  });
});
