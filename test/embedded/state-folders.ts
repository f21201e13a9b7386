import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ForwardedCommand } from '../../shared/embedded/owner-frames.ts';
import { StateFolderError, type StateFolderProblem } from '../../shared/embedded/state-folder-error.ts';
import { openStateFolder, ownOrForward, type OwnOrForwardOutcome, type StateFolder } from '../../shared/embedded/state-folder.ts';

const child = join(import.meta.dirname, 'owner-child.ts');

export function isFault(problem: StateFolderProblem, pattern: RegExp, exitCode: number) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof StateFolderError, String(error));
    assert.deepEqual([error.problem, error.exitCode], [problem, exitCode]);
    assert.match(error.message, pattern);
    return true;
  };
}

export const command = (...argv: string[]): ForwardedCommand => ({ argv, cwd: '/somewhere', stdoutIsTTY: true, stderrIsTTY: false, columns: 80, noColor: true });

export async function killed(process_: ChildProcess): Promise<void> {
  process_.kill('SIGKILL');
  await once(process_, 'exit');
}

/** State folders that are opened in a directory of their own, by this process and by others. */
export class StateFolders {
  readonly parent = mkdtempSync(join(tmpdir(), 'sbf-owner-'));
  readonly path = join(this.parent, 'state');
  readonly #children: ChildProcess[] = [];
  readonly #folders: StateFolder[] = [];

  own(at = this.path, version = '1.0.0'): StateFolder {
    const opened = openStateFolder(at, version, Date.now());
    if (opened.kind !== 'owned') throw new Error(`owned by ${opened.owner?.pid}`);
    this.#folders.push(opened.folder);
    return opened.folder;
  }

  /** Another process that opens it, and what that says of it. */
  async child(mode: 'own' | 'serve'): Promise<{ readonly process_: ChildProcess; readonly said: string }> {
    const process_ = spawn(process.execPath, [child, this.path, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.push(process_);
    const [line] = await once(process_.stdout, 'data');
    return { process_, said: String(line) };
  }

  async ownerProcess(mode: 'own' | 'serve'): Promise<ChildProcess> {
    const { process_, said } = await this.child(mode);
    assert.equal(said, 'owned\n');
    return process_;
  }

  /** Runs a command as a second process would. */
  async run(
    given: ForwardedCommand, options: { readonly signal?: AbortSignal; readonly answerWithinMs?: number; readonly version?: string; readonly at?: string } = {},
  ): Promise<{ readonly outcome: OwnOrForwardOutcome; readonly stdout: string; readonly stderr: string }> {
    let stdout = '';
    let stderr = '';
    const outcome = await ownOrForward(options.at ?? this.path, Date.now(), given, {
      version: '1.0.0', ...options, stdout: (text) => { stdout += text; }, stderr: (text) => { stderr += text; },
    });
    if (outcome.kind === 'owned') this.#folders.push(outcome.folder);
    return { outcome, stdout, stderr };
  }

  async close(): Promise<void> {
    for (const process_ of this.#children) {
      process_.kill('SIGKILL');
      if (process_.exitCode === null && process_.signalCode === null) await once(process_, 'exit');
    }
    for (const folder of this.#folders) await folder.close(AbortSignal.abort());
    rmSync(this.parent, { recursive: true });
  }
}
