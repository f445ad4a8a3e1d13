import { Aggregate, Application, ProcessApplication } from 'kahn';
import { given } from 'kahn/testing';

class Door extends Aggregate {
  static open(id) {
    return Door.create('Door.Opened', { at: 'front' }, id);
  }
}

class Doors extends Application {
  static applicationName = 'doors';
  static emits = ['Door.Opened'];
}

class Bells extends ProcessApplication {
  static applicationName = 'bells';
  static emits = ['Bell.Rung'];
  policy = this.when({
    'Door.Opened': (event, repository) => Bell.create('Bell.Rung', event.data, repository.deriveId()),
  });
}

class Bell extends Aggregate {}

/** Defines a test that passes and one that fails. */
export function definePolicyTests(test) {
  const opened = given(Bells).when(Doors, Door.open('d-1'));
  test('rings', () => opened.then([{ type: 'Bell.Rung', data: { at: 'front' } }]));
  test('rings elsewhere', () => opened.then([{ type: 'Bell.Rung', data: { at: 'back' } }]));
}
