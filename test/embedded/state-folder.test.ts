import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL, type ForwardedCommand } from '../../shared/embedded/owner-frames.ts';
import { readOwner, startTimeOf } from '../../shared/embedded/owner-lock.ts';
import { socketPathFor, type CommandHandler } from '../../shared/embedded/owner-server.ts';
import { StateFolderError, type StateFolderProblem } from '../../shared/embedded/state-folder-error.ts';
import { openStateFolder, ownOrForward, type OwnOrForwardOutcome, type StateFolder } from '../../shared/embedded/state-folder.ts';

const child = join(import.meta.dirname, 'owner-child.ts');

function isFault(problem: StateFolderProblem, pattern: RegExp, exitCode: number) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof StateFolderError, String(error));
    assert.deepEqual([error.problem, error.exitCode], [problem, exitCode]);
    assert.match(error.message, pattern);
    return true;
  };
}

const command = (...argv: string[]): ForwardedCommand => ({ argv, cwd: '/somewhere', stdoutIsTTY: true, stderrIsTTY: false, columns: 80, noColor: true });

describe('a state folder', () => {
  let parent: string;
  let path: string;
  const children: ChildProcess[] = [];
  const folders: StateFolder[] = [];
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'sbf-owner-'));
    path = join(parent, 'state');
  });
  afterEach(async () => {
    for (const process_ of children.splice(0)) {
      process_.kill('SIGKILL');
      if (process_.exitCode === null && process_.signalCode === null) await once(process_, 'exit');
    }
    for (const folder of folders.splice(0)) await folder.close(AbortSignal.abort());
    rmSync(parent, { recursive: true });
  });

  const own = (at = path, version = '1.0.0'): StateFolder => {
    const opened = openStateFolder(at, version, Date.now());
    if (opened.kind !== 'owned') throw new Error(`owned by ${opened.owner?.pid}`);
    folders.push(opened.folder);
    return opened.folder;
  };
  const ownerProcess = async (mode: 'own' | 'serve'): Promise<ChildProcess> => {
    const process_ = spawn(process.execPath, [child, path, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(process_);
    const [line] = await once(process_.stdout, 'data');
    assert.equal(String(line), 'owned\n');
    return process_;
  };
  const killed = async (process_: ChildProcess): Promise<void> => {
    process_.kill('SIGKILL');
    await once(process_, 'exit');
  };
  /** Runs a command as a second process would. */
  const run = async (
    given: ForwardedCommand, options: { readonly signal?: AbortSignal; readonly answerWithinMs?: number; readonly version?: string; readonly at?: string } = {},
  ): Promise<{ readonly outcome: OwnOrForwardOutcome; readonly stdout: string; readonly stderr: string }> => {
    let stdout = '';
    let stderr = '';
    const outcome = await ownOrForward(options.at ?? path, Date.now(), given, {
      version: '1.0.0', ...options, stdout: (text) => { stdout += text; }, stderr: (text) => { stderr += text; },
    });
    if (outcome.kind === 'owned') folders.push(outcome.folder);
    return { outcome, stdout, stderr };
  };

  describe('is opened', () => {
    it('and made, with its parents; left clean when closed', async () => {
      const folder = own(join(path, 'deep', 'er'));
      assert.equal(readOwner(folder.path)?.pid, process.pid);
      assert.equal(folder.databasePath, join(path, 'deep', 'er', 'state.sqlite'));
      folder.openDatabase().close();
      await folder.close();
      assert.deepEqual(readdirSync(folder.path).sort(), ['owner.lock', 'state.sqlite', 'version']);
      own(folder.path);
    });
    it('not when the path is a file, or lies in one', () => {
      writeFileSync(path, '');
      assert.throws(() => own(), isFault('not_a_folder', /state' is, or lies in, a file.*--state/, 2));
      assert.throws(() => own(join(path, 'below')), isFault('not_a_folder', /lies in, a file/, 2));
    });
    it('not when it can not be made', function () {
      if (!existsSync('/proc/self')) this.skip();
      assert.throws(() => own('/proc/no-such-folder'), isFault('not_creatable', /can not be made.*--state/, 2));
    });
    it('not when it is read-only', function () {
      // Permissions don't stop root; a folder of /proc does.
      if (!existsSync('/proc/self')) this.skip();
      assert.throws(() => own('/proc/self'), isFault('not_writable', /permission/, 2));
    });
    it('not when it is of another version', async () => {
      await own().close();
      writeFileSync(join(path, 'version'), '{"state_version":7,"program_version":"9.1.0"}\n');
      assert.throws(() => own(), isFault('other_version', /version 7, made by smart-backfill 9\.1\.0.*reads version 1/s, 2));
      writeFileSync(join(path, 'version'), 'NBA 2K');
      assert.throws(() => own(), isFault('other_version', /not ours \(NBA 2K\)/, 2));
      rmSync(join(path, 'version'));
      own();
    });
  });

  describe('has one owner', () => {
    it('who is named to a second process', async () => {
      const process_ = await ownerProcess('own');
      const opened = openStateFolder(path, '1.0.0', Date.now());
      assert.equal(opened.kind === 'owned_by' && opened.owner?.pid, process_.pid);
    });
    it('also within one process', () => {
      own();
      assert.equal(openStateFolder(path, '1.0.0', Date.now()).kind, 'owned_by');
    });
    it('and a new one when that was killed, whatever it left', async () => {
      const process_ = await ownerProcess('serve');
      await killed(process_);
      assert.equal(readOwner(path)?.pid, process_.pid, 'its file is still there');
      assert.ok(existsSync(join(path, 'owner.sock')));
      const folder = own();
      assert.equal(readOwner(path)?.pid, process.pid);
      await folder.serve(async () => 0);
    });
    it('and a new one when its pid went to another process', async () => {
      mkdirSync(path);
      const stranger = { pid: process.ppid, startTime: 'boot 12345', version: '1.0.0', since: 1, socket: null };
      writeFileSync(join(path, 'owner.json'), JSON.stringify(stranger));
      own();
    });
    it('when its lock file was written in half, or by something else', () => {
      mkdirSync(path);
      writeFileSync(join(path, 'owner.json'), '{"pid": 1');
      own();
    });
    it('and not two where the file system keeps no locks', function () {
      const startTime = startTimeOf(process.ppid);
      if (startTime === null) this.skip();
      mkdirSync(path);
      writeFileSync(join(path, 'owner.json'), JSON.stringify({ pid: process.ppid, startTime, version: '1.0.0', since: 1, socket: null }));
      assert.throws(() => own(), new RegExp(`owned by ${process.ppid}`));
    });
    it('one of many that start at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 4 }, async () => {
        const process_ = spawn(process.execPath, [child, path, 'own'], { stdio: ['ignore', 'pipe', 'inherit'] });
        children.push(process_);
        return String((await once(process_.stdout, 'data'))[0]);
      }));
      assert.deepEqual(outcomes.sort(), ['owned\n', 'owned_by\n', 'owned_by\n', 'owned_by\n']);
    });
  });

  describe('serves other commands', () => {
    const served = async (handler: CommandHandler, at = path): Promise<StateFolder> => {
      const folder = own(at);
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
      const { outcome, stdout, stderr } = await run(command('gaps', '--from', '2023-10-24'));
      assert.deepEqual([outcome, stdout, stderr], [{ kind: 'served', exitCode: 3 }, 'one\ntwo\n', 'warning: Räw 🏀\n']);
      assert.deepEqual(received, command('gaps', '--from', '2023-10-24'));
    });
    it('from another process', async () => {
      const process_ = await ownerProcess('serve');
      const { outcome, stdout } = await run(command('gaps'));
      assert.deepEqual([outcome, stdout], [{ kind: 'served', exitCode: 3 }, `${process_.pid} gaps\n`]);
    });
    it('with megabytes of output, in order', async () => {
      const line = `${'é'.repeat(99)}\n`;
      await served(async (_, io) => {
        for (let index = 0; index < 500; index += 1) io.stdout(line.repeat(50));
        return 0;
      });
      const { stdout } = await run(command('gaps', '--json'));
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
      const outcomes = await Promise.all([1, 2, 3, 4, 5].map((code) => run(command(String(code)))));
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
      const { outcome, stderr } = await run(command('recover'), { signal: abort.signal });
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
      assert.deepEqual((await run(command('gaps'))).outcome, { kind: 'served', exitCode: 0 });
      assert.deepEqual(commands.map((words) => /pause/.test(words)), [false]);
    });
    it('and tells of a handler that threw, with exit code 1', async () => {
      await served(async () => { throw new Error('a fault of the program'); });
      const { outcome, stderr } = await run(command('gaps'));
      assert.deepEqual(outcome, { kind: 'served', exitCode: 1 });
      assert.match(stderr, /a fault of the program/);
    });
    it('and refuses what is no frame of ours', async () => {
      const folder = await served(async () => 0);
      const socket = connect({ path: readOwner(folder.path)?.socket ?? '' });
      socket.write('GET / HTTP/1.1\n');
      const [answer] = await once(socket, 'data');
      assert.match(String(answer), /refused.*GET/);
      assert.deepEqual((await run(command('gaps'))).outcome, { kind: 'served', exitCode: 0 });
    });
    it('and refuses a client of another version', async () => {
      await served(async () => 0);
      await assert.rejects(run(command('gaps'), { version: '2.0.0' }), isFault('owner_refused', /version 2\.0\.0.*of version 1\.0\.0.*one version/s, 5));
    });
    it('through a socket elsewhere when the path is too long for one', async () => {
      const long = join(parent, 'x'.repeat(60), 'y'.repeat(60));
      const folder = await served(async () => 4, long);
      assert.match(readOwner(folder.path)?.socket ?? '', /smart-backfill-[0-9a-f]{16}\.sock$/);
      assert.deepEqual((await run(command('gaps'), { at: long })).outcome, { kind: 'served', exitCode: 4 });
      assert.match(socketPathFor(parent, 'win32'), /^\\\\\.\\pipe\\smart-backfill-/);
    });
    it('until it is closed, which waits for those that run, or cancels them', async () => {
      const begun = Promise.withResolvers<void>();
      const folder = await served(async (_, io) => {
        begun.resolve();
        await once(io.signal, 'abort');
        return 130;
      });
      const running = run(command('up'));
      await begun.promise;
      const stop = new AbortController();
      const closing = folder.close(stop.signal);
      stop.abort();
      await closing;
      assert.deepEqual((await running).outcome, { kind: 'served', exitCode: 130 });
      assert.equal((await run(command('gaps'))).outcome.kind, 'owned');
    });
  });

  describe('whose owner has trouble', () => {
    it('does not answer: an error with its pid and what to do', async () => {
      const process_ = await ownerProcess('serve');
      process_.kill('SIGSTOP');
      await assert.rejects(run(command('gaps'), { answerWithinMs: 40 }), isFault('owner_silent', new RegExp(`process ${process_.pid}, which does not answer.*kill ${process_.pid}`, 's'), 5));
    });
    it('does not serve: the same error', async () => {
      const process_ = await ownerProcess('own');
      await assert.rejects(run(command('gaps'), { answerWithinMs: 40 }), isFault('owner_silent', new RegExp(`process ${process_.pid}`), 5));
    });
    it('is killed between lock and socket: the one that waits takes over', async () => {
      const process_ = await ownerProcess('own');
      const waiting = run(command('gaps'));
      await killed(process_);
      assert.equal((await waiting).outcome.kind, 'owned');
    });
    it('is killed while it serves: an error that says to run it again', async () => {
      const process_ = await ownerProcess('serve');
      const abort = new AbortController();
      const outcome = ownOrForward(path, Date.now(), command('hang'), {
        version: '1.0.0', stderr: () => undefined, signal: abort.signal, stdout: () => process_.kill('SIGKILL'),
      });
      await assert.rejects(outcome, isFault('owner_gone', /run the command again/, 4));
      assert.equal((await run(command('gaps'))).outcome.kind, 'owned');
    });
    it('begins to serve while another waits: that one is served', async () => {
      const folder = own();
      const waiting = run(command('gaps'));
      await folder.serve(async () => 0);
      assert.deepEqual((await waiting).outcome, { kind: 'served', exitCode: 0 });
    });
    it('leaves no half-written file', () => {
      own();
      assert.deepEqual(readdirSync(path).filter((name) => /\d+$|new$/.test(name)), []);
      assert.doesNotThrow(() => JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8')));
    });
  });
});
