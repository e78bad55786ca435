/// How blocks are deallocated, by the words of the kernel's `provisioning_mode`.
package enum ProvisioningMode: String, Hashable, Sendable {
  /// Every block is allocated, always.
  case full

  /// UNMAP (SBC-4, 5.35).
  case unmap

  /// WRITE SAME(16) with UNMAP set (SBC-4, 5.50).
  case writeSame16 = "writesame_16"

  /// Provisioned in part, without a command of ours to deallocate.
  case disabled
}
