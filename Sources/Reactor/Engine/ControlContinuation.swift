/// Who waits for a control task.
typealias ControlContinuation = CheckedContinuation<
  Result<ControlTask.Result, ControlTask.Failure>, Never
>
