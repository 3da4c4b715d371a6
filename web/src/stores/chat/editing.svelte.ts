// Which message is being reworded.
class Editing {
  id = $state("");
}
export const editing = new Editing();
