// A value that components are mounted with, and that is replaced from outside of them.
export class Live<T> {
  current = $state.raw() as T;

  constructor(first: T) {
    this.current = first;
  }
}
