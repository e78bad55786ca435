/// What to do with a task that has ended: nothing, send it again, or fail the caller.
///
/// The rule looks only at status and sense data; counting tries, waiting and deadlines are the
/// data path's. A task that is `done` may have moved fewer bytes: residuals are checked apart.
/// Source: SAM-5, 5.3 (status); SPC-5, 4.4.8 (sense keys).
package enum TaskDisposition: BitwiseCopyable, Hashable, Sendable {
  /// The command did what it was asked.
  case done

  /// The command did nothing, or may be done again without harm.
  case retry(RetryReason)

  /// Sending the command again would end the same way.
  case failed(SCSIFailure)

  /// The disposition of a task that ended with `status`, and `sense` if any came with it.
  @inlinable
  package init(status: SCSIStatus, sense: SenseData?) {
    switch status {
    case .good, .conditionMet: self = .done
    case .busy: self = .retry(.busy)
    case .taskSetFull: self = .retry(.taskSetFull)
    case .acaActive: self = .retry(.acaActive)
    case .taskAborted: self = .retry(.taskAborted)
    case .reservationConflict: self = .failed(.reservationConflict)
    case .checkCondition:
      // iSCSI returns sense data with every CHECK CONDITION; a target that forgot, or sent a
      // vendor's own format, has at worst dropped a unit attention: trying again tells.
      if let sense {
        self.init(sense: sense)
      } else {
        self = .retry(.senseMissing)
      }
    default: self = .failed(.other)
    }
  }

  /// The disposition of a task that ended with CHECK CONDITION and `sense`.
  @inlinable
  init(sense: SenseData) {
    // The deferred error is an earlier command's; this one was not processed (SPC-5, 4.4.9).
    guard !sense.isDeferred else {
      self = .retry(.deferredError)
      return
    }
    switch sense.key {
    case .noSense, .recoveredError, .completed: self = .done
    case .notReady: self.init(notReady: sense.additionalSense)
    case .mediumError: self = .failed(.mediumError)
    case .hardwareError: self = .failed(.hardwareError)
    case .illegalRequest: self.init(illegalRequest: sense.additionalSense)
    case .unitAttention: self = .retry(.unitAttention)
    case .dataProtect:
      let isFull = sense.additionalSense == .spaceAllocationFailedWriteProtect
      self = .failed(isFull ? .spaceExhausted : .writeProtected)
    case .abortedCommand: self = .retry(.abortedCommand)
    case .miscompare: self = .failed(.miscompare)
    default: self = .failed(.other)
    }
  }

  /// NOT READY: some causes pass by themselves, one needs START UNIT, the others stay.
  @inlinable
  init(notReady cause: AdditionalSense) {
    switch cause {
    case .initializingCommandRequired: self = .retry(.initializingCommandRequired)
    case .becomingReady, .formatInProgress, .rebuildInProgress, .recalculationInProgress,
      .operationInProgress, .longWriteInProgress, .selfTestInProgress,
      .asymmetricAccessStateTransition, .spaceAllocationInProgress, .startStopUnitInProgress,
      .sanitizeInProgress, .configurationInProgress:
      self = .retry(.becomingReady)
    default:
      // Every qualifier of 3Ah says that the medium is absent, some also where the tray is.
      let isAbsent = cause.code == AdditionalSense.mediumNotPresent.code
      self = .failed(isAbsent ? .mediumNotPresent : .notReady)
    }
  }

  /// ILLEGAL REQUEST: three causes mean something to the caller, the rest are a mistake.
  @inlinable
  init(illegalRequest cause: AdditionalSense) {
    switch cause {
    case .invalidCommandOperationCode: self = .failed(.unsupportedCommand)
    case .logicalBlockAddressOutOfRange: self = .failed(.lbaOutOfRange)
    case .logicalUnitNotSupported: self = .failed(.logicalUnitGone)
    default: self = .failed(.illegalRequest)
    }
  }
}
