import assert from 'node:assert/strict';
import { withBlock } from '../../scripts/output/block.ts';
import { Terminal } from './terminal.ts';

describe('output/block', () => {
  const on = (terminal: Terminal) => withBlock({ write: terminal.write, isTTY: true, colour: false });

  it('keeps its lines below whatever is written, and takes them away at the end', () => {
    const terminal = new Terminal();
    const stream = on(terminal);
    stream.write('before\n');
    stream.block?.(['one', 'two']);
    assert.equal(terminal.text, 'before\none\ntwo');
    stream.write('an alert\n  with a second line\n');
    assert.equal(terminal.text, 'before\nan alert\n  with a second line\none\ntwo');
    stream.block?.(['only one']);
    stream.write('no end of line');
    assert.equal(terminal.text, 'before\nan alert\n  with a second line\nno end of line\nonly one');
    stream.block?.([]);
    stream.write('after\n');
    assert.equal(terminal.text, 'before\nan alert\n  with a second line\nno end of line\nafter');
  });

  it('writes nothing where it has nothing to keep or to take away', () => {
    const terminal = new Terminal();
    on(terminal).block?.([]);
    assert.equal(terminal.text, '');
  });

  it('leaves a pipe as it is', () => {
    const pipe = { write: () => undefined, isTTY: false, colour: false };
    assert.equal(withBlock(pipe), pipe);
  });
});
