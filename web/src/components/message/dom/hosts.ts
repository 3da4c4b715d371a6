// Components and other things with a life of their own that stand in painted text, and end with the element they stand in.

export class Hosts {
  private readonly ends = new Map<Element, () => void>();

  add(element: Element, end: () => void): void {
    this.ends.set(element, end);
  }

  /** End what stands in an element that is being taken away. */
  release(element: Node): void {
    for (const [host, end] of this.ends) {
      if (!element.contains(host)) continue;
      this.ends.delete(host);
      end();
    }
  }

  releaseAll(): void {
    for (const end of this.ends.values()) end();
    this.ends.clear();
  }
}
